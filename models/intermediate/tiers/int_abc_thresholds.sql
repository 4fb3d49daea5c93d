{{ config(
    materialized='incremental', incremental_strategy='append', on_schema_change='fail',
    pre_hook='{{ drop_outdated_slices() }}'
) }}

with slices as (

    select * from {{ ref('int_slices') }}
    where is_open

),

value_ranks as (

    select * from {{ ref('int_lifetime_value_ranks' if var('abc_value') == 'lifetime_value' else 'int_value_ranks') }}
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

-- by distinct value, so that customers with equal values share a tier
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
    slices.as_of_date,
    cast(coalesce(max(tiers.customers), 0) as integer) as customers,
    cast(min(case when tiers.abc_tier = 'A' then tiers.measured_value end) as numeric(18, 2)) as abc_value_a,
    cast(min(case when tiers.abc_tier in ('A', 'B') then tiers.measured_value end) as numeric(18, 2)) as abc_value_b,
    slices.slice_version
from slices
left join tiers on slices.as_of_date = tiers.as_of_date
where {{ is_missing_slice('slices.as_of_date') }}
group by slices.as_of_date, slices.slice_version
