{%- set as_of_date = "'" ~ var('as_of_date') ~ "'" if var('as_of_date') is not none else 'null' -%}
with orders as (

    select * from {{ ref('stg_orders') }}
    where reject_reasons = ''

),

-- unless the company names a date, the last day of the data counts, not the clock
bounds as (

    select
        cast({{ dbt.date_trunc('month', 'min(order_date)') }} as date) as first_month,
        coalesce(cast({{ as_of_date }} as date), max(order_date)) as current_as_of_date
    from orders

),

-- a hundred years of months; months after the as-of date are left out
month_numbers as (

    {{ dbt.generate_series(1200) }}

),

month_ends as (

    select
        bounds.current_as_of_date,
        cast({{ dbt.dateadd(
            'day', -1, dbt.dateadd('month', 'month_numbers.generated_number', 'bounds.first_month')
        ) }} as date) as as_of_date
    from bounds
    cross join month_numbers

),

as_of_dates as (

    select as_of_date
    from month_ends
    where as_of_date <= current_as_of_date
    union
    select current_as_of_date as as_of_date
    from bounds
    where current_as_of_date is not null

),

numbered as (

    select
        as_of_date,
        {% for back in range(1, var('demotion_patience') + 1) -%}
        lag(as_of_date, {{ back }}) over (order by as_of_date asc) as back_{{ back }}_date,
        {% endfor -%}
        -- the day after a month-end is the first of a month
        extract(day from cast({{ dbt.dateadd('day', 1, 'as_of_date') }} as date)) = 1 as is_month_end
    from as_of_dates

)

select
    as_of_date,
    {% for back in range(1, var('demotion_patience') + 1) -%}
    back_{{ back }}_date,
    {% endfor -%}
    back_1_date as opening_date,
    back_{{ var('demotion_patience') }}_date as demotion_reference_date,
    is_month_end,
    cast(
        {{ dbt.dateadd('month', -var('window_months'), 'as_of_date') }} as date
    ) as window_starts_after,
    cast(
        {{ dbt.dateadd('month', -2 * var('window_months'), 'as_of_date') }} as date
    ) as previous_window_starts_after
from numbered
