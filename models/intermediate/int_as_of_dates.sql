with orders as (

    select * from {{ ref('stg_orders') }}

),

reach as (

    -- the data tell how far they go; the clock has no say
    select max(order_date) as last_order_date from orders

),

as_of_dates as (

    select
        {% if var('as_of_date') is not none -%}
            cast('{{ var("as_of_date") }}' as date) as as_of_date
        {%- else -%}
            last_order_date as as_of_date
        {%- endif %}
    from reach

)

select
    as_of_date,
    cast(
        {{ dbt.dateadd('month', -var('window_months'), 'as_of_date') }} as date
    ) as window_starts_after,
    cast(
        {{ dbt.dateadd('month', -2 * var('window_months'), 'as_of_date') }} as date
    ) as previous_window_starts_after
from as_of_dates
where as_of_date is not null
