{{ config(materialized='view') }} -- read once, by int_customer_migrations
{%- set measures = ['recency', 'frequency', 'monetary'] %}
{%- set is_ntile = var('rfm_method') == 'ntile' %}
{%- set active_only = var('rfm_population') == 'active' and var('rfm_method') != 'cutoffs' %}

with migrated as (

    select * from {{ ref('int_migrated_customers') }}

),

thresholds as (

    select * from {{ ref('tier_thresholds') }}

),

held_thresholds as (

    select * from {{ ref('int_held_thresholds') }}

),

-- today's measures at the earlier thresholds
rescored as (

    select
        migrated.*,
        {% for measure in measures -%}
        {{ score_by_thresholds(measure, 'migrated', 'opening', splits_equals=is_ntile, active_only=active_only) }}
            as then_{{ measure }}_score,
        {% endfor -%}
        {{ score_by_thresholds('frequency', 'migrated', 'reference', splits_equals=is_ntile, active_only=active_only) }}
            as then_tier_frequency_score,
        {{ abc_tier_by_value(
            'migrated.' ~ abc_value_columns()[var('abc_value')],
            'coalesce(held.abc_value_a, reference.abc_value_a)', 'coalesce(held.abc_value_b, reference.abc_value_b)'
        ) }} as then_abc_tier,
        migrated.recency_days / {{ expected_gap(
            dbt.datediff('migrated.first_order_date', 'migrated.last_order_date', 'day'), 'migrated.purchase_days - 1',
            'opening.population_mean_gap_days', var('expected_gap_prior_weight')
        ) }} as then_overdue_ratio,
        opening.churned_overdue_ratio as then_churned_overdue_ratio,
        opening.decline_overdue_ratio as then_decline_overdue_ratio,
        opening.decline_revenue_ratio as then_decline_revenue_ratio
    from migrated
    left join thresholds as opening on migrated.opening_date = opening.as_of_date
    left join thresholds as reference on migrated.tier_reference_date = reference.as_of_date
    left join held_thresholds as held
        on
            migrated.tier_reference_date = held.as_of_date
            and migrated.held_from = held.held_from

)

select
    as_of_date,
    customer_id,
    {% for column in ['tier', 'rfm_segment', 'lifecycle_stage', 'net_revenue', 'monetary'] -%}
    opening_{{ column }},
    {{ column }},
    {% endfor -%}
    order_count,
    recency_days,
    previous_monetary,
    last_activity_date,
    is_active,
    tier_reference_date,
    {% for measure in measures -%}
    then_{{ measure }}_score,
    {% endfor -%}
    {% for name, scores in {'has_risen': '', 'would_have_risen': 'then_'}.items() -%}
    {{ scores }}recency_score + {{ scores }}frequency_score + {{ scores }}monetary_score
    > opening_recency_score + opening_frequency_score + opening_monetary_score
    {% for measure in measures -%}
    and {{ scores }}{{ measure }}_score >= opening_{{ measure }}_score
    {% endfor %}as {{ name }},
    {% endfor -%}
    then_tier_frequency_score,
    then_abc_tier,
    then_overdue_ratio,
    then_churned_overdue_ratio,
    then_decline_overdue_ratio,
    then_decline_revenue_ratio
from rescored
