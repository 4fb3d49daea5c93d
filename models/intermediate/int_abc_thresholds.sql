{{ config(materialized='view') }} -- a few rows, read once

with value_ranks as (

    select * from {{ ref('int_value_ranks') }}
    where measure = 'ranked_value'

),

totals as (

    select
        as_of_date,
        max(customers_to_here) as customers,
        max(value_to_here) as total_positive_value
    from value_ranks
    group by as_of_date

),

-- a distinct value at a time, so that equals share a tier
tiers as (

    select
        value_ranks.as_of_date,
        value_ranks.measured_value,
        totals.customers,
        {{ abc_tier(
            'value_ranks.measured_value',
            abc_cumulative_share(
                'totals.total_positive_value - value_ranks.value_to_here', 'totals.total_positive_value'
            ),
            var('abc_cutoff_a'), var('abc_cutoff_b')
        ) }} as abc_tier
    from value_ranks
    inner join totals on value_ranks.as_of_date = totals.as_of_date

)

select
    as_of_date,
    max(customers) as customers,
    cast(min(case when abc_tier = 'A' then measured_value end) as numeric(18, 2)) as abc_value_a,
    cast(min(case when abc_tier in ('A', 'B') then measured_value end) as numeric(18, 2)) as abc_value_b
from tiers
group by as_of_date
