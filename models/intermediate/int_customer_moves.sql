{{ config(materialized='view') }} -- counted once, in tier_migrations
{%- set is_ntile = var('rfm_method') == 'ntile' %}

with history as (

    select * from {{ ref('customer_value_history') }}

),

slices as (

    select * from {{ ref('int_slices') }}
    where is_open

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

-- A published tier that falls is measured at the month-end that has just left its patience, the last to hold it up.
-- Everything else is measured at the opening.
movers as (

    select
        history.*,
        history.last_activity_date > slices.opening_date as is_active,
        slices.opening_date,
        case
            when history.tier > history.opening_tier then slices.demotion_reference_date else slices.opening_date
        end as tier_reference_date
    from history
    inner join slices on history.as_of_date = slices.as_of_date
    where
        history.opening_tier <> history.tier
        or history.opening_rfm_segment <> history.rfm_segment
        or history.opening_lifecycle_stage <> history.lifecycle_stage

),

-- today's measures at the thresholds of then
rescored as (

    select
        movers.*,
        {% for measure in ['recency', 'frequency', 'monetary'] -%}
        {{ score_by_thresholds(measure, 'movers', 'opening', splits_equals=is_ntile) }} as then_{{ measure }}_score,
        {% endfor -%}
        {{ score_by_thresholds('frequency', 'movers', 'reference', splits_equals=is_ntile) }}
            as then_tier_frequency_score,
        {{ abc_tier_by_value(
            'movers.net_revenue' if var('abc_value') == 'revenue' else 'movers.margin',
            'reference.abc_value_a', 'reference.abc_value_b'
        ) }} as then_abc_tier,
        movers.recency_days / {{ expected_gap(
            dbt.datediff('movers.first_order_date', 'movers.last_order_date', 'day'), 'movers.purchase_days - 1',
            'opening.population_mean_gap_days', var('expected_gap_prior_weight')
        ) }} as then_overdue_ratio,
        opening.churned_overdue_ratio as then_churned_overdue_ratio,
        opening.decline_overdue_ratio as then_decline_overdue_ratio,
        opening.decline_revenue_ratio as then_decline_revenue_ratio
    from movers
    left join thresholds as opening on movers.opening_date = opening.as_of_date
    left join thresholds as reference on movers.tier_reference_date = reference.as_of_date

),

relabelled as (

    select
        rescored.*,
        segments.rfm_segment as then_rfm_segment,
        -- a tier moves one way: what would not have moved that way would have stayed
        case
            when rescored.tier < rescored.opening_tier and tier_rules.tier < rescored.opening_tier then tier_rules.tier
            when rescored.tier > rescored.opening_tier and tier_rules.tier > rescored.opening_tier then tier_rules.tier
            else rescored.opening_tier
        end as then_tier,
        {{ lifecycle_stage(
            'rescored.order_count', 'rescored.recency_days', 'rescored.then_overdue_ratio',
            'rescored.monetary', 'rescored.previous_monetary',
            'rescored.then_churned_overdue_ratio', var('churned_min_recency_days'),
            'rescored.then_decline_overdue_ratio', 'rescored.then_decline_revenue_ratio',
            var('stability_min_orders'), var('formation_min_orders')
        ) }} as stage_by_then
    from rescored
    left join segments
        on
            rescored.then_recency_score = segments.recency_score
            and rescored.then_frequency_score = segments.frequency_score
            and rescored.then_monetary_score = segments.monetary_score
    left join tier_rules
        on
            rescored.then_abc_tier = tier_rules.abc_tier
            and rescored.then_tier_frequency_score = tier_rules.frequency_score

),

-- who is churned, but would not be at the old thresholds, is so because they moved, whatever else happened
staged as (

    select
        *,
        case
            when lifecycle_stage = 'churned' and stage_by_then <> 'churned' then opening_lifecycle_stage
            else stage_by_then
        end as then_lifecycle_stage
    from relabelled

)

select
    as_of_date,
    customer_id,
    opening_tier,
    tier,
    {{ movement_cause('opening_tier', 'tier', 'then_tier', 'last_activity_date > tier_reference_date') }} as tier_cause,
    opening_rfm_segment,
    rfm_segment,
    {{ movement_cause('opening_rfm_segment', 'rfm_segment', 'then_rfm_segment', 'is_active') }} as rfm_segment_cause,
    opening_lifecycle_stage,
    lifecycle_stage,
    {{ movement_cause('opening_lifecycle_stage', 'lifecycle_stage', 'then_lifecycle_stage', 'is_active') }}
        as lifecycle_stage_cause,
    opening_net_revenue,
    net_revenue,
    opening_monetary,
    monetary
from staged
