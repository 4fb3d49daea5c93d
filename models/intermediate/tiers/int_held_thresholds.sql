with slices as (

    select * from {{ ref('int_slices') }}

),

thresholds as (

    select * from {{ ref('int_abc_thresholds') }}

),

-- the highest thresholds from each month-end to each date
held as (

    select
        thresholds.as_of_date,
        slices.as_of_date as held_from,
        max(thresholds.abc_value_a) over (
            partition by slices.as_of_date order by thresholds.as_of_date asc
            rows between unbounded preceding and current row
        ) as abc_value_a,
        max(thresholds.abc_value_b) over (
            partition by slices.as_of_date order by thresholds.as_of_date asc
            rows between unbounded preceding and current row
        ) as abc_value_b
    from slices
    inner join thresholds on slices.as_of_date <= thresholds.as_of_date
    where slices.is_month_end

)

select
    held.as_of_date,
    held.held_from,
    cast(held.abc_value_a as numeric(18, 2)) as abc_value_a,
    cast(held.abc_value_b as numeric(18, 2)) as abc_value_b
from held
inner join slices on held.as_of_date = slices.as_of_date
where slices.is_looked_at
