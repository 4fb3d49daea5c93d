{{ config(enabled=(var('abc_value') == 'lifetime_value')) }}

-- as in int_value_ranks, which counts the values that are no forecasts
with value_counts as (

    select
        as_of_date,
        ranked_value as measured_value,
        cast(count(*) as integer) as customers
    from {{ ref('int_ranked_values') }}
    where
        ranked_value is not null
        and as_of_date in (select slices.as_of_date from {{ ref('int_slices') }} as slices where slices.is_open)
    group by as_of_date, ranked_value

)

select
    as_of_date,
    'ranked_value' as measure,
    measured_value,
    customers,
    cast(sum(customers) over (
        partition by as_of_date order by measured_value asc rows between unbounded preceding and current row
    ) as integer) as customers_to_here,
    cast(sum(case when measured_value > 0 then measured_value * customers else 0 end) over (
        partition by as_of_date order by measured_value asc rows between unbounded preceding and current row
    ) as numeric(24, 2)) as value_to_here
from value_counts
