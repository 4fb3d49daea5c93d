{{ config(materialized='view') }} -- read once, by int_customer_totals

with customer_days as (

    select * from {{ ref('int_customer_days') }}

),

customers as (

    select
        customer_id,
        coalesce(known_on, cast('0001-01-01' as date)) as known_on,
        acquisition_cost
    from {{ ref('int_customers') }}

),

-- a customer is in the slices from the first known day on, with or without an order
first_slices as (

    select
        known_days.known_on,
        min(slices.as_of_date) as as_of_date
    from (select distinct known_on from customers) as known_days
    inner join {{ ref('int_slices') }} as slices on known_days.known_on <= slices.as_of_date
    where slices.is_looked_at
    group by known_days.known_on

),

changes as (

    select
        customer_days.customer_id,
        steps.as_of_date,
        -- from purchases only; other bookings have the day of their sale, or none
        case when customer_days.order_count > 0 then customer_days.order_date end as order_date,
        customer_days.booked_on,
        steps.total_change * customer_days.order_count as order_count,
        case when steps.total_change = 1 and customer_days.order_count > 0 then 1 else 0 end as purchase_days,
        steps.window_change * customer_days.order_count as frequency,
        {{ signed_amount('steps.window_change', 'customer_days.net_revenue') }} as monetary,
        {{ signed_amount('steps.previous_window_change', 'customer_days.net_revenue') }} as previous_monetary,
        {{ signed_amount('steps.window_change', 'customer_days.margin') }} as window_margin,
        {{ signed_amount('steps.total_change', 'customer_days.net_revenue') }} as net_revenue,
        {{ signed_amount('steps.total_change', 'customer_days.repeat_net_revenue') }} as repeat_net_revenue,
        {{ signed_amount('steps.total_change', 'customer_days.margin') }} as margin,
        {{ signed_amount('steps.total_change', 'customer_days.discounted_margin') }} as discounted_margin,
        cast(null as numeric(18, 2)) as acquisition_cost,
        case when customer_days.margin_is_estimated then 1 else 0 end as margin_is_estimated
    from customer_days
    inner join {{ ref('int_booking_steps') }} as steps
        on customer_days.order_date = steps.order_date and customer_days.booked_on = steps.booked_on
    union all
    select
        customers.customer_id,
        first_slices.as_of_date,
        cast(null as date) as order_date,
        cast(null as date) as booked_on,
        0 as order_count,
        0 as purchase_days,
        0 as frequency,
        0 as monetary,
        0 as previous_monetary,
        0 as window_margin,
        0 as net_revenue,
        0 as repeat_net_revenue,
        0 as margin,
        0 as discounted_margin,
        customers.acquisition_cost,
        0 as margin_is_estimated
    from customers
    inner join first_slices on customers.known_on = first_slices.known_on

)

select
    customer_id,
    as_of_date,
    min(order_date) as first_order_date,
    max(order_date) as last_order_date,
    max(booked_on) as last_activity_date,
    cast(sum(order_count) as integer) as order_count,
    cast(sum(purchase_days) as integer) as purchase_days,
    cast(sum(frequency) as integer) as frequency,
    cast(sum(monetary) as numeric(18, 2)) as monetary,
    cast(sum(previous_monetary) as numeric(18, 2)) as previous_monetary,
    cast(sum(window_margin) as numeric(18, 2)) as window_margin,
    cast(sum(net_revenue) as numeric(18, 2)) as net_revenue,
    cast(sum(repeat_net_revenue) as numeric(18, 2)) as repeat_net_revenue,
    cast(sum(margin) as numeric(18, 2)) as margin,
    cast(sum(discounted_margin) as numeric(28, 8)) as discounted_margin,
    cast(sum(acquisition_cost) as numeric(18, 2)) as acquisition_cost,
    max(margin_is_estimated) as margin_is_estimated
from changes
group by customer_id, as_of_date
