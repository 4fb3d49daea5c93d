{{ config(materialized='view') }} -- read once, by int_migration_causes

with rescored as (

    select * from {{ ref('int_migration_counterfactuals') }}

),

segments as (

    select * from {{ ref('rfm_segments') }}

),

tier_rules as (

    select * from {{ ref('tier_rules') }}

),

relabelled as (

    select
        rescored.*,
        -- scores that rose, but would not have risen at the old thresholds, would have stayed; segments themselves have
        -- no order
        case
            when rescored.has_risen and not rescored.would_have_risen then rescored.opening_rfm_segment
            else segments.rfm_segment
        end as then_rfm_segment,
        -- a tier moves one way: if it would not have moved that way at the old thresholds, it would have stayed
        case
            when rescored.tier < rescored.opening_tier and tier_rules.tier < rescored.opening_tier then tier_rules.tier
            when rescored.tier > rescored.opening_tier and tier_rules.tier > rescored.opening_tier then tier_rules.tier
            else rescored.opening_tier
        end as then_tier,
        {{ lifecycle_stage(
            order_count='rescored.order_count',
            recency_days='rescored.recency_days',
            overdue_ratio='rescored.then_overdue_ratio',
            monetary='rescored.monetary',
            previous_monetary='rescored.previous_monetary',
            churned_overdue_ratio='rescored.then_churned_overdue_ratio',
            churned_min_recency_days=var('churned_min_recency_days'),
            decline_overdue_ratio='rescored.then_decline_overdue_ratio',
            decline_revenue_ratio='rescored.then_decline_revenue_ratio',
            stability_min_orders=var('stability_min_orders'),
            formation_min_orders=var('formation_min_orders')
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

-- a customer who is churned, but would not be at the old thresholds, is churned because they moved, whatever else
-- happened
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
