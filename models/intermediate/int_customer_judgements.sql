{{ config(materialized='view') }} -- written down once, in customer_value_history
{#- the slice itself and those before it: {prefix of the columns: measures that are scored} #}
{%- set judged = {
    '': ['recency', 'frequency', 'monetary'], 'back_1_': ['recency', 'frequency', 'monetary'],
} %}
{%- for back in range(2, var('demotion_patience') + 1) -%}
{%- do judged.update({'back_' ~ back ~ '_': ['frequency']}) -%}
{%- endfor %}
{%- set labelled_fully = ['', 'back_1_'] %}
{%- set is_forecast = var('abc_value') == 'lifetime_value' %}
{%- set active_only = var('rfm_population') == 'active' and var('rfm_method') != 'cutoffs' %}

with thresholds as (

    select * from {{ ref('int_slice_thresholds') }}

),

held_thresholds as (

    select * from {{ ref('int_held_thresholds') }}

),

facts as (

    select * from {{ ref('int_clv_scores') }}

),

segments as (

    select * from {{ ref('rfm_segments') }}

),

tier_rules as (

    select * from {{ ref('tier_rules') }}

),

-- customers without an order have no recency, value or label: those of the slice itself are published, so null here
scored as (

    select
        {% for slice, measures in judged.items() -%}
        {% for measure in measures -%}
        {{ 'case when facts.order_count > 0 then' if slice == '' }} {{ score_by_thresholds(
            measure, 'facts', 'thresholds', slice, splits_equals=(var('rfm_method') == 'ntile'), active_only=active_only
        ) }} {{ 'end' if slice == '' }} as {{ slice }}{{ measure }}_score,
        {% endfor -%}
        {%- set held = (slice or 'own_') ~ 'held' %}
        {{ abc_tier_by_value(
            (slice or 'own_') ~ 'value.held_value' if is_forecast else 'facts.' ~ slice ~ 'ranked_value',
            'coalesce(' ~ held ~ '.abc_value_a, thresholds.' ~ slice ~ 'abc_value_a)',
            'coalesce(' ~ held ~ '.abc_value_b, thresholds.' ~ slice ~ 'abc_value_b)'
        ) }} as {{ slice }}held_abc_tier,
        {% if slice in labelled_fully -%}
        {{ 'case when facts.order_count > 0 then' if slice == '' }} {{ expected_gap(
            'facts.' ~ slice ~ 'gap_days', 'facts.' ~ slice ~ 'gap_count',
            'thresholds.' ~ slice ~ 'population_mean_gap_days', var('expected_gap_prior_weight')
        ) }} {{ 'end' if slice == '' }} as {{ slice }}expected_gap_days,
        {% endif -%}
        {% endfor -%}
        {% for slice in labelled_fully -%}
        {% for column in ['churned_overdue_ratio', 'decline_overdue_ratio', 'decline_revenue_ratio'] -%}
        {{ 'thresholds.' ~ slice ~ column }},
        {% endfor -%}
        {% endfor -%}
        {{ abc_tier_by_value(
            'own_value.ranked_value' if is_forecast else 'facts.ranked_value',
            'thresholds.abc_value_a', 'thresholds.abc_value_b'
        ) }} as abc_tier,
        thresholds.is_month_end,
        facts.*
    from facts
    inner join thresholds on facts.as_of_date = thresholds.as_of_date
    {% for slice in judged -%}
    {%- set held = (slice or 'own_') ~ 'held' -%}
    left join held_thresholds as {{ held }}
        on
            {{ 'thresholds.' ~ slice ~ 'date' if slice else 'facts.as_of_date' }} = {{ held }}.as_of_date
            and {{ 'facts.' ~ slice ~ 'held_from' }} = {{ held }}.held_from
    {% if is_forecast -%}
    {%- set value = (slice or 'own_') ~ 'value' -%}
    left join {{ ref('int_ranked_values') }} as {{ value }}
        on
            facts.customer_id = {{ value }}.customer_id
            and {{ 'thresholds.' ~ slice ~ 'date' if slice else 'facts.as_of_date' }} = {{ value }}.as_of_date
    {% endif -%}
    {% endfor %}

)

select
    {% for slice in judged -%}
    {{ slice or 'own_' }}tier_rules.tier as {{ slice }}raw_tier,
    {% if slice in labelled_fully -%}
    {{ slice or 'own_' }}segments.rfm_segment as {{ slice }}rfm_segment,
    {% if slice == '' -%}
    scored.recency_days / scored.expected_gap_days as overdue_ratio,
    {% endif -%}
    case
        when {{ 'scored.' ~ slice ~ 'order_count' }} is not null then {{ lifecycle_stage(
            'scored.' ~ slice ~ 'order_count', 'scored.' ~ slice ~ 'recency_days',
            'scored.' ~ slice ~ 'recency_days / scored.' ~ slice ~ 'expected_gap_days',
            'scored.' ~ slice ~ 'monetary', 'scored.' ~ slice ~ 'previous_monetary',
            'scored.' ~ slice ~ 'churned_overdue_ratio', var('churned_min_recency_days'),
            'scored.' ~ slice ~ 'decline_overdue_ratio', 'scored.' ~ slice ~ 'decline_revenue_ratio',
            var('stability_min_orders'), var('formation_min_orders')
        ) }}
    end as {{ slice }}lifecycle_stage,
    {% endif -%}
    {% endfor -%}
    scored.*
from scored
{% for slice in judged -%}
{% if slice in labelled_fully -%}
left join segments as {{ slice or 'own_' }}segments
    on
        {{ 'scored.' ~ slice ~ 'recency_score' }} = {{ slice or 'own_' }}segments.recency_score
        and {{ 'scored.' ~ slice ~ 'frequency_score' }} = {{ slice or 'own_' }}segments.frequency_score
        and {{ 'scored.' ~ slice ~ 'monetary_score' }} = {{ slice or 'own_' }}segments.monetary_score
{% endif -%}
left join tier_rules as {{ slice or 'own_' }}tier_rules
    on
        {{ 'scored.' ~ slice ~ 'held_abc_tier' }} = {{ slice or 'own_' }}tier_rules.abc_tier
        and {{ 'scored.' ~ slice ~ 'frequency_score' }} = {{ slice or 'own_' }}tier_rules.frequency_score
{% endfor %}
