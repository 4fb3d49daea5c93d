{{ config(materialized='view') }} -- a few rows, read once
{#- an illegal method is parsed as the first legal one, so that check_vars can name it -#}
{%- set methods = project_vars()['rfm_method'].one_of -%}
{%- set method = var('rfm_method') if var('rfm_method') in methods else methods[0] %}

-- a method is a model with these columns, int_<method>_thresholds: a row per date, measure and score
with thresholds as (

    select
        as_of_date,
        measure,
        score,
        measured_value,
        customer_id
    from {{ ref('int_' ~ method ~ '_thresholds') }}

)

-- the worst value that earns a score; days of recency are negative in these models
select
    {% for measure in ['recency', 'frequency', 'monetary'] -%}
    {%- for score in [2, 3, 4, 5] -%}
    {%- set is_it = "measure = '" ~ measure ~ "' and score = " ~ score -%}
    cast(max(
        case when {{ is_it }} then {{ '-' if measure == 'recency' }}measured_value end
    ) as {{ 'numeric(18, 2)' if measure == 'monetary' else 'integer' }}) as {{ measure }}_score_{{ score }},
    max(case when {{ is_it }} then customer_id end) as {{ measure }}_score_{{ score }}_customer_id,
    {% endfor -%}
    {% endfor -%}
    as_of_date
from thresholds
group by as_of_date
