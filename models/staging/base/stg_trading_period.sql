{%- set data_end_date = var('data_end_date') -%}
with orders as (

    select cast({{ parsed_timestamp('raw_ordered_at') }} as date) as order_date
    from {{ raw_relation('orders', ['ordered_at']) }} as raw_rows

),

order_days as (

    select
        order_date,
        count(*) as order_count
    from orders
    where order_date is not null
    group by order_date

),

-- for each day with orders, the day with orders before it, and the number of orders from the day on
tails as (

    select
        order_date,
        lag(order_date) over (order by order_date) as previous_order_date,
        sum(order_count) over (
            order by order_date rows between current row and unbounded following
        ) as orders_from_here,
        sum(order_count) over () as orders_total
    from order_days

),

-- a mistyped year is a lonely tail: long after all other orders, and fewer than one order in a thousand
lonely_tail as (

    select min(order_date) as starts_on
    from tails
    where
        {{ dbt.datediff('previous_order_date', 'order_date', 'day') }} > {{ var('max_silent_days') }} -- noqa: LT05
        and orders_from_here * 1000 < orders_total

),

last_order_day as (

    select max(order_days.order_date) as order_date
    from order_days
    cross join lonely_tail
    where order_days.order_date < coalesce(lonely_tail.starts_on, cast('9999-12-31' as date))

)

select
    cast('{{ var("business_start_date") }}' as date) as starts_on,
    {% if data_end_date is none -%}
    cast({{ dbt.dateadd('day', var('max_silent_days'), 'order_date') }} as date) as ends_on
    {%- else -%}
    cast('{{ data_end_date }}' as date) as ends_on
    {%- endif %}
from last_order_day
