-- ring 3 of the ABC tier: customers with equal values share a tier, more value never means a worse tier, the best
-- customer with a positive value is A, and the A customers hold at least the share of the cut-off
{%- set ranked_value = abc_value_columns()[var('abc_value')] %}
with history as (

    select
        as_of_date,
        {{ ranked_value }} as ranked_value,
        abc_tier
    from {{ ref('customer_value_history') }}
    where order_count > 0

),

by_value as (

    select
        as_of_date,
        ranked_value,
        min(abc_tier) as best_tier,
        max(abc_tier) as worst_tier
    from history
    group by as_of_date, ranked_value

),

stepped as (

    select
        *,
        lag(worst_tier) over (partition by as_of_date order by ranked_value desc) as tier_ahead
    from by_value

),

a_shares as (

    select
        as_of_date,
        sum(case when abc_tier = 'A' then ranked_value else 0 end) as a_value,
        sum(case when ranked_value > 0 then ranked_value else 0 end) as total_positive_value
    from history
    group by as_of_date

)

select
    as_of_date,
    'the tier does not follow the value ' || cast(ranked_value as {{ dbt.type_string() }}) as problem
from stepped
where
    best_tier <> worst_tier
    or best_tier < tier_ahead
    or (tier_ahead is null and ranked_value > 0 and best_tier <> 'A')
    or (ranked_value <= 0 and best_tier <> 'C')
union all
select
    as_of_date,
    'the A customers hold too little' as problem
from a_shares
where a_value < {{ var('abc_cutoff_a') }} * total_positive_value
