{{ config(
    materialized='incremental', incremental_strategy='append', on_schema_change='fail',
    pre_hook='{{ drop_outdated_slices() }}'
) }}

with slices as (

    select * from {{ ref('int_slices') }}
    where is_open

),

score_thresholds as (

    select * from {{ ref('int_score_thresholds') }}

),

population as (

    select * from {{ ref('int_population_measures') }}

),

stage_thresholds as (

    select * from {{ ref('int_stage_thresholds') }}

)

select
    slices.as_of_date,

    -- the scores, and the first customer exactly at a threshold with the score (method ntile)
    {% for measure in ['recency', 'frequency', 'monetary'] -%}
    {%- for score in [2, 3, 4, 5] -%}
    score_thresholds.{{ measure }}_score_{{ score }},
    cast(
        score_thresholds.{{ measure }}_score_{{ score }}_customer_id as {{ dbt.type_string() }}
    ) as {{ measure }}_score_{{ score }}_customer_id,
    {% endfor %}
    {%- endfor %}
    -- the lifecycle stage
    population.population_mean_gap_days,
    stage_thresholds.churned_overdue_ratio,
    stage_thresholds.decline_overdue_ratio,
    stage_thresholds.decline_revenue_ratio,
    stage_thresholds.stage_state,
    stage_thresholds.stage_horizon_months,
    stage_thresholds.in_rhythm_return_rate,

    slices.slice_version
from slices
left join score_thresholds on slices.as_of_date = score_thresholds.as_of_date
left join population on slices.as_of_date = population.as_of_date
left join stage_thresholds on slices.as_of_date = stage_thresholds.as_of_date
where {{ is_missing_slice('slices.as_of_date') }}
