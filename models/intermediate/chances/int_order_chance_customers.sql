{{ config(materialized='view') }} -- read once, by int_order_chance_facts

with dates as (

    select * from {{ ref('int_order_chance_dates') }}

),

-- on most days there are no dates
days as (

    select
        customer_id,
        order_date
    from {{ ref('int_customer_days') }}
    where order_count > 0 and exists (select 1 from dates)
    group by customer_id, order_date

),

-- a purchase day is the last one until the day before the next
purchase_ranges as (

    select
        customer_id,
        order_date,
        min(order_date) over (partition by customer_id) as first_order_date,
        row_number() over (partition by customer_id order by order_date asc) - 1 as repeat_count,
        lead(order_date) over (partition by customer_id order by order_date asc) as next_order_date
    from days

)

select
    dates.*,
    purchase_ranges.customer_id,
    purchase_ranges.next_order_date,
    purchase_ranges.repeat_count,
    cast({{ dbt.datediff('purchase_ranges.first_order_date', 'purchase_ranges.order_date', 'day') }} as integer) as last_purchase_age_days, -- noqa: LT05
    cast({{ dbt.datediff('purchase_ranges.first_order_date', 'dates.as_of_date', 'day') }} as integer) as age_days, -- noqa: LT05
    cast({{ dbt.datediff('purchase_ranges.order_date', 'dates.as_of_date', 'day') }} as integer) as recency_days -- noqa: LT05
from purchase_ranges
inner join dates
    on
        purchase_ranges.order_date <= dates.as_of_date
        and coalesce(purchase_ranges.next_order_date, cast('9999-12-31' as date)) > dates.as_of_date
