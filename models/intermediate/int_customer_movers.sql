{{ config(materialized='view') }} -- read once, by int_customer_moves
{%- set measures = ['recency', 'frequency', 'monetary'] %}
{%- set is_ntile = var('rfm_method') == 'ntile' %}
{%- set active_only = var('rfm_population') == 'active' and var('rfm_method') != 'cutoffs' %}

with history as (

    select * from {{ ref('customer_value_history') }}

),

slices as (

    select * from {{ ref('int_migration_slices') }}

),

thresholds as (

    select * from {{ ref('tier_thresholds') }}

),

held_thresholds as (

    select * from {{ ref('int_held_thresholds') }}

),

-- A published tier that falls is measured at the month-end that has just left its patience, the last to hold it up.
-- Everything else is measured at the opening.
movers as (

    select
        history.*,
        {% for measure in measures -%}
        opening.{{ measure }}_score as opening_{{ measure }}_score,
        {% endfor -%}
        history.last_activity_date > slices.opening_date as is_active,
        {{ held_from('history.frequency', 'history.last_order_date', var('window_months'))
            if var('rfm_population') == 'active' else 'cast(null as date)' }} as held_from,
        slices.opening_date,
        case
            when history.tier > history.opening_tier then slices.demotion_reference_date else slices.opening_date
        end as tier_reference_date
    from history
    inner join slices on history.as_of_date = slices.as_of_date
    left join history as opening
        on
            slices.opening_date = opening.as_of_date
            and history.customer_id = opening.customer_id
    where
        history.opening_tier <> history.tier
        or history.opening_rfm_segment <> history.rfm_segment
        or history.opening_lifecycle_stage <> history.lifecycle_stage

),

-- today's measures at the thresholds of then
rescored as (

    select
        movers.*,
        {% for measure in measures -%}
        {{ score_by_thresholds(measure, 'movers', 'opening', splits_equals=is_ntile, active_only=active_only) }}
            as then_{{ measure }}_score,
        {% endfor -%}
        {{ score_by_thresholds('frequency', 'movers', 'reference', splits_equals=is_ntile, active_only=active_only) }}
            as then_tier_frequency_score,
        {{ abc_tier_by_value(
            'movers.' ~ abc_value_columns()[var('abc_value')],
            'coalesce(held.abc_value_a, reference.abc_value_a)', 'coalesce(held.abc_value_b, reference.abc_value_b)'
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
    left join held_thresholds as held
        on
            movers.tier_reference_date = held.as_of_date
            and movers.held_from = held.held_from

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
