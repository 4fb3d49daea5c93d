{{ config(materialized='view') }} -- written down once, in customer_value_history
{%- set splits_equals = var('rfm_method') == 'ntile' %}
{%- set active_only = var('rfm_population') == 'active' and var('rfm_method') != 'cutoffs' %}

with facts as (

    select * from {{ ref('int_customer_facts') }}

),

thresholds as (

    select * from {{ ref('int_label_thresholds') }}

),

segments as (

    select * from {{ ref('rfm_segments') }}

),

-- customers without an order have no recency, so everything derived from it is null
scored as (

    select
        facts.*,
        {% for measure in ['recency', 'frequency', 'monetary'] -%}
        case when facts.order_count > 0 then {{ score_by_thresholds(
            measure, 'facts', 'thresholds', splits_equals=splits_equals, active_only=active_only
        ) }} end as {{ measure }}_score,
        {% endfor -%}
        case when facts.order_count > 0 then {{ expected_gap(
            'facts.gap_days', 'facts.gap_count', 'thresholds.population_mean_gap_days', var('expected_gap_prior_weight')
        ) }} end as expected_gap_days,
        thresholds.churned_overdue_ratio,
        thresholds.decline_overdue_ratio,
        thresholds.decline_revenue_ratio
    from facts
    inner join thresholds on facts.as_of_date = thresholds.as_of_date

)

select
    segments.rfm_segment,
    scored.recency_days / scored.expected_gap_days as overdue_ratio,
    {{ lifecycle_stage(
        order_count='scored.order_count',
        recency_days='scored.recency_days',
        overdue_ratio='scored.recency_days / scored.expected_gap_days',
        monetary='scored.monetary',
        previous_monetary='scored.previous_monetary',
        churned_overdue_ratio='scored.churned_overdue_ratio',
        churned_min_recency_days=var('churned_min_recency_days'),
        decline_overdue_ratio='scored.decline_overdue_ratio',
        decline_revenue_ratio='scored.decline_revenue_ratio',
        stability_min_orders=var('stability_min_orders'),
        formation_min_orders=var('formation_min_orders')
    ) }} as lifecycle_stage,
    scored.*
from scored
left join segments
    on
        scored.recency_score = segments.recency_score
        and scored.frequency_score = segments.frequency_score
        and scored.monetary_score = segments.monetary_score
