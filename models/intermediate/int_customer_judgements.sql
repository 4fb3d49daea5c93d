{{ config(materialized='view') }} -- written down once, in customer_value_history
{%- set bases = {'recency': '-recency_days', 'frequency': 'frequency', 'monetary': 'monetary'} %}

with facts as (

    select * from {{ ref('int_customer_facts') }}

),

thresholds as (

    select * from {{ ref('tier_thresholds') }}

),

segments as (

    select * from {{ ref('rfm_segments') }}

),

tier_rules as (

    select * from {{ ref('tier_rules') }}

),

-- scores and tiers are for those who have ordered
scored as (

    select
        facts.*,
        {% for measure, basis in bases.items() -%}
        case
            when facts.order_count > 0
                then {{ ntile_score(basis, 'facts.customer_id', 'facts.as_of_date, facts.order_count = 0')
                    if var('rfm_method') == 'ntile' else score_by_thresholds(measure, 'facts', 'thresholds') }}
        end as {{ measure }}_score,
        {% endfor -%}
        case
            when facts.order_count > 0
                then {{ abc_tier_by_value(
                    'facts.net_revenue' if var('abc_value') == 'revenue' else 'facts.margin',
                    'thresholds.abc_value_a', 'thresholds.abc_value_b'
                ) }}
        end as abc_tier,
        case
            when facts.order_count > 0
                then {{ expected_gap(
                    'facts.gap_days', 'facts.gap_count', 'thresholds.population_mean_gap_days',
                    var('expected_gap_prior_weight')
                ) }}
        end as expected_gap_days
    from facts
    inner join thresholds on facts.as_of_date = thresholds.as_of_date

)

select
    scored.*,
    tier_rules.tier as raw_tier,
    segments.rfm_segment,
    scored.recency_days / scored.expected_gap_days as overdue_ratio,
    {{ lifecycle_stage(
        'scored.order_count', 'scored.recency_days', 'scored.recency_days / scored.expected_gap_days',
        'scored.monetary', 'scored.previous_monetary',
        var('churned_overdue_ratio'), var('churned_min_recency_days'),
        var('decline_overdue_ratio'), var('decline_revenue_ratio'),
        var('stability_min_orders'), var('formation_min_orders')
    ) }} as lifecycle_stage
from scored
left join segments
    on
        scored.recency_score = segments.recency_score
        and scored.frequency_score = segments.frequency_score
        and scored.monetary_score = segments.monetary_score
left join tier_rules
    on
        scored.abc_tier = tier_rules.abc_tier
        and scored.frequency_score = tier_rules.frequency_score
