{{ config(materialized='view') }} -- written down once, in customer_value_history
{%- set by_forecast = var('abc_value') == 'lifetime_value' %}
{%- set active_only = var('rfm_population') == 'active' and var('rfm_method') != 'cutoffs' %}
{#- the opening and the as-of dates before it, var demotion_patience dates in all #}
{%- set earlier = ['opening'] %}
{%- for back in range(2, var('demotion_patience') + 1) %}{% do earlier.append('back_' ~ back) %}{% endfor %}

with labels as (

    select * from {{ ref('int_raw_tiers') }}

),

label_thresholds as (

    select * from {{ ref('int_label_thresholds') }}

),

abc_thresholds as (

    select * from {{ ref('int_abc_thresholds') }}

),

held_thresholds as (

    select * from {{ ref('int_held_thresholds') }}

),

tier_rules as (

    select * from {{ ref('tier_rules') }}

),

ranked as (

    select
        {% for date in earlier -%}
        {% if date != 'opening' -%}
        {{ score_by_thresholds(
            'frequency', 'labels', date ~ '_scores', prefix=date ~ '_',
            splits_equals=(var('rfm_method') == 'ntile'), active_only=active_only
        ) }} as {{ date }}_frequency_score,
        {% endif -%}
        {{ abc_tier_by_value(
            date ~ '_values.held_value' if by_forecast else 'labels.' ~ date ~ '_ranked_value',
            'coalesce(' ~ date ~ '_held.abc_value_a, ' ~ date ~ '_abc.abc_value_a)',
            'coalesce(' ~ date ~ '_held.abc_value_b, ' ~ date ~ '_abc.abc_value_b)'
        ) }} as {{ date }}_held_abc_tier,
        {% endfor -%}
        labels.*
    from labels
    {% for date in earlier -%}
    {% if date != 'opening' -%}
    left join label_thresholds as {{ date }}_scores on labels.{{ date }}_date = {{ date }}_scores.as_of_date
    {% endif -%}
    left join abc_thresholds as {{ date }}_abc on labels.{{ date }}_date = {{ date }}_abc.as_of_date
    left join held_thresholds as {{ date }}_held
        on
            labels.{{ date }}_date = {{ date }}_held.as_of_date
            and labels.{{ date }}_held_from = {{ date }}_held.held_from
    {% if by_forecast -%}
    left join {{ ref('int_ranked_values') }} as {{ date }}_values
        on labels.{{ date }}_date = {{ date }}_values.as_of_date and labels.customer_id = {{ date }}_values.customer_id
    {% endif -%}
    {% endfor %}
)

select
    {% for date in earlier -%}
    {{ date }}_rules.tier as {{ date }}_raw_tier,
    {% endfor -%}
    ranked.*
from ranked
{% for date in earlier -%}
left join tier_rules as {{ date }}_rules
    on
        ranked.{{ date }}_held_abc_tier = {{ date }}_rules.abc_tier
        and ranked.{{ date }}_frequency_score = {{ date }}_rules.frequency_score
{% endfor %}
