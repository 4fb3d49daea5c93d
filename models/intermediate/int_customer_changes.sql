{{ config(materialized='view') }} -- read once, by int_customer_totals
{#- what is added up: column of int_customer_days, under which kind of step, type of the sum #}
{%- set totals = {
    'order_count': ('order_count', 'total_change', 'integer'),
    'purchase_days': ('case when order_count > 0 then 1 else 0 end', 'total_change', 'integer'),
    'frequency': ('order_count', 'window_change', 'integer'),
    'monetary': ('net_revenue', 'window_change', 'numeric(18, 2)'),
    'previous_monetary': ('net_revenue', 'previous_window_change', 'numeric(18, 2)'),
    'window_margin': ('margin', 'window_change', 'numeric(18, 2)'),
    'net_revenue': ('net_revenue', 'total_change', 'numeric(18, 2)'),
    'repeat_net_revenue': ('repeat_net_revenue', 'total_change', 'numeric(18, 2)'),
    'margin': ('margin', 'total_change', 'numeric(18, 2)'),
    'discounted_margin': ('discounted_margin', 'total_change', 'numeric(28, 8)'),
} %}
with customer_days as (

    select * from {{ ref('int_customer_days') }}

),

steps as (

    select * from {{ ref('int_booking_steps') }}

),

customers as (

    select * from {{ ref('int_customers') }}

),

slices as (

    select * from {{ ref('int_slices') }}
    where is_looked_at

),

-- a customer is in the slices from the day on which it is known, with or without an order
first_slices as (

    select
        known_days.known_on,
        min(slices.as_of_date) as as_of_date
    from (select distinct coalesce(known_on, cast('0001-01-01' as date)) as known_on from customers) as known_days
    inner join slices on known_days.known_on <= slices.as_of_date
    group by known_days.known_on

),

changes as (

    select
        customer_days.customer_id,
        steps.as_of_date,
        -- of purchases alone; what else is booked has the day of its sale, or none
        case when customer_days.order_count > 0 then customer_days.order_date end as order_date,
        customer_days.booked_on,
        {% for column, (amount, change, sql_type) in totals.items() -%}
        case steps.{{ change }} when 1 then {{ amount }} when -1 then -{{ amount }} else 0 end as {{ column }},
        {% endfor -%}
        cast(null as numeric(18, 2)) as acquisition_cost,
        case when customer_days.margin_is_estimated then 1 else 0 end as margin_is_estimated
    from customer_days
    inner join steps
        on
            customer_days.order_date = steps.order_date
            and customer_days.booked_on = steps.booked_on
    union all
    select
        customers.customer_id,
        first_slices.as_of_date,
        cast(null as date) as order_date,
        cast(null as date) as booked_on,
        {% for column in totals -%}
        0 as {{ column }},
        {% endfor -%}
        customers.acquisition_cost,
        0 as margin_is_estimated
    from customers
    inner join first_slices on coalesce(customers.known_on, cast('0001-01-01' as date)) = first_slices.known_on

)

select
    customer_id,
    as_of_date,
    min(order_date) as first_order_date,
    max(order_date) as last_order_date,
    max(booked_on) as last_activity_date,
    {% for column, (amount, change, sql_type) in totals.items() -%}
    cast(sum({{ column }}) as {{ sql_type }}) as {{ column }},
    {% endfor -%}
    cast(sum(acquisition_cost) as numeric(18, 2)) as acquisition_cost,
    max(margin_is_estimated) as margin_is_estimated
from changes
group by customer_id, as_of_date
