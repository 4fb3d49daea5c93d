{{ config(materialized='view') }} -- a few rows, read once
{%- set stage_columns = [
    'population_mean_gap_days', 'churned_overdue_ratio', 'decline_overdue_ratio', 'decline_revenue_ratio'
] %}
{%- set measures = ['recency', 'frequency', 'monetary'] %}
{%- set suffixes = ['', '_customer_id'] if var('rfm_method') == 'ntile' else [''] %}

with slices as (

    select * from {{ ref('int_slices') }}
    where is_open

),

thresholds as (

    select * from {{ ref('tier_thresholds') }}

)

-- those before the opening are asked for the raw tier alone
select
    slices.as_of_date,
    {% for back in range(0, var('demotion_patience') + 1) -%}
    {%- set prefix = '' if back == 0 else 'back_' ~ back ~ '_' -%}
    {%- set table = 'thresholds' if back == 0 else 'back_' ~ back -%}
    {{ table }}.abc_value_a as {{ prefix }}abc_value_a,
    {{ table }}.abc_value_b as {{ prefix }}abc_value_b,
    {% if back > 0 -%}
    slices.{{ prefix }}date,
    {% endif -%}
    {% for column in stage_columns if back <= 1 -%}
    {{ table }}.{{ column }} as {{ prefix }}{{ column }},
    {% endfor -%}
    {% for measure in measures if back <= 1 or measure == 'frequency' -%}
    {% for score in [2, 3, 4, 5] -%}
    {% for suffix in suffixes -%}
    {{ table }}.{{ measure }}_score_{{ score }}{{ suffix }} as {{ prefix }}{{ measure }}_score_{{ score }}{{ suffix }},
    {% endfor -%}
    {% endfor -%}
    {% endfor -%}
    {% endfor -%}
    slices.is_month_end
from slices
inner join thresholds on slices.as_of_date = thresholds.as_of_date
{% for back in range(1, var('demotion_patience') + 1) -%}
left join thresholds as back_{{ back }} on slices.back_{{ back }}_date = back_{{ back }}.as_of_date
{% endfor %}
