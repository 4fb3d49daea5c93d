{{ config(materialized='view') }} -- written down once, in customer_value_history
{%- set by_forecast = var('abc_value') == 'lifetime_value' %}

-- tiers that rank by the forecast come after it, all others before
with labels as (

    select * from {{ ref('int_clv_scores' if by_forecast else 'int_opening_labels') }}

),

thresholds as (

    select * from {{ ref('int_abc_thresholds') }}

),

held_thresholds as (

    select * from {{ ref('int_held_thresholds') }}

),

tier_rules as (

    select * from {{ ref('tier_rules') }}

),

ranked as (

    select
        labels.*,
        {{ abc_tier_by_value(
            'ranked_values.ranked_value' if by_forecast else 'labels.ranked_value',
            'thresholds.abc_value_a', 'thresholds.abc_value_b'
        ) }} as abc_tier,
        {{ abc_tier_by_value(
            'ranked_values.held_value' if by_forecast else 'labels.ranked_value',
            'coalesce(held.abc_value_a, thresholds.abc_value_a)', 'coalesce(held.abc_value_b, thresholds.abc_value_b)'
        ) }} as held_abc_tier
    from labels
    inner join thresholds on labels.as_of_date = thresholds.as_of_date
    left join held_thresholds as held on labels.as_of_date = held.as_of_date and labels.held_from = held.held_from
    {% if by_forecast -%}
    left join {{ ref('int_ranked_values') }} as ranked_values
        on labels.as_of_date = ranked_values.as_of_date and labels.customer_id = ranked_values.customer_id
    {%- endif %}

)

select
    tier_rules.tier as raw_tier,
    ranked.*
from ranked
left join tier_rules
    on ranked.held_abc_tier = tier_rules.abc_tier and ranked.frequency_score = tier_rules.frequency_score
