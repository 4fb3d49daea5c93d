with slices as (

    select * from {{ ref('int_slices') }}

),

day_numbers as (

    {{ dbt.generate_series(31) }}

),

-- each month has one as-of date: its last day, or the current as-of date
days as (

    select
        slices.as_of_date,
        cast({{ dbt.dateadd(
            'day',
            'day_numbers.generated_number - 1',
            'cast(' ~ dbt.date_trunc('month', 'slices.as_of_date') ~ ' as date)'
        ) }} as date) as calendar_date
    from slices
    cross join day_numbers

)

select calendar_date
from days
where calendar_date <= as_of_date
