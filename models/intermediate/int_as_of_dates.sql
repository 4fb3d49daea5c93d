{%- set as_of_date = "'" ~ var('as_of_date') ~ "'" if var('as_of_date') is not none else 'null' -%}
with orders as (

    select * from {{ ref('stg_orders') }}
    where reject_reasons = ''

),

-- unless the company names a date, the data tell how far they go; the clock has no say
as_of_dates as (

    select coalesce(cast({{ as_of_date }} as date), max(order_date)) as as_of_date
    from orders

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
