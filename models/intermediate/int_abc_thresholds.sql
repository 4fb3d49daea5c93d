{{ config(materialized='view') }} -- a few rows, read once

with value_counts as (

    select * from {{ ref('int_value_counts') }}
    where measure = 'ranked_value'

),

-- cumulated over distinct values, so that equals share a tier and no window spans all customers
cumulated as (

    select
        as_of_date,
        measured_value,
        customers,
        coalesce(sum(case when measured_value > 0 then measured_value * customers else 0 end) over (
            partition by as_of_date order by measured_value desc rows between unbounded preceding and 1 preceding
        ), 0) as value_ahead,
        sum(case when measured_value > 0 then measured_value * customers else 0 end) over (
            partition by as_of_date
        ) as total_positive_value
    from value_counts

),

tiers as (

    select
        as_of_date,
        measured_value,
        customers,
        {{ abc_tier(
            'measured_value', abc_cumulative_share('value_ahead', 'total_positive_value'),
            var('abc_cutoff_a'), var('abc_cutoff_b')
        ) }} as abc_tier
    from cumulated

)

select
    as_of_date,
    cast(sum(customers) as integer) as customers,
    cast(min(case when abc_tier = 'A' then measured_value end) as numeric(18, 2)) as abc_value_a,
    cast(min(case when abc_tier in ('A', 'B') then measured_value end) as numeric(18, 2)) as abc_value_b
from tiers
group by as_of_date
