{{ config(materialized='view') }} -- written down once, in customer_value_history
{%- set splits_equals = var('rfm_method') == 'ntile' %}
{%- set active_only = var('rfm_population') == 'active' and var('rfm_method') != 'cutoffs' %}

with labels as (

    select * from {{ ref('int_customer_labels') }}

),

thresholds as (

    select * from {{ ref('int_label_thresholds') }}

),

segments as (

    select * from {{ ref('rfm_segments') }}

),

scored as (

    select
        labels.*,
        {% for measure in ['recency', 'frequency', 'monetary'] -%}
        {{ score_by_thresholds(
            measure, 'labels', 'thresholds', prefix='opening_', splits_equals=splits_equals, active_only=active_only
        ) }} as opening_{{ measure }}_score,
        {% endfor -%}
        {{ expected_gap(
            'labels.opening_gap_days', 'labels.opening_gap_count',
            'thresholds.population_mean_gap_days', var('expected_gap_prior_weight')
        ) }} as opening_expected_gap_days,
        thresholds.churned_overdue_ratio as opening_churned_overdue_ratio,
        thresholds.decline_overdue_ratio as opening_decline_overdue_ratio,
        thresholds.decline_revenue_ratio as opening_decline_revenue_ratio
    from labels
    left join thresholds on labels.opening_date = thresholds.as_of_date

)

-- null where the customer was not known at the opening
select
    segments.rfm_segment as opening_rfm_segment,
    case
        when scored.opening_order_count is not null then {{ lifecycle_stage(
            order_count='scored.opening_order_count',
            recency_days='scored.opening_recency_days',
            overdue_ratio='scored.opening_recency_days / scored.opening_expected_gap_days',
            monetary='scored.opening_monetary',
            previous_monetary='scored.opening_previous_monetary',
            churned_overdue_ratio='scored.opening_churned_overdue_ratio',
            churned_min_recency_days=var('churned_min_recency_days'),
            decline_overdue_ratio='scored.opening_decline_overdue_ratio',
            decline_revenue_ratio='scored.opening_decline_revenue_ratio',
            stability_min_orders=var('stability_min_orders'),
            formation_min_orders=var('formation_min_orders')
        ) }}
    end as opening_lifecycle_stage,
    scored.*
from scored
left join segments
    on
        scored.opening_recency_score = segments.recency_score
        and scored.opening_frequency_score = segments.frequency_score
        and scored.opening_monetary_score = segments.monetary_score
