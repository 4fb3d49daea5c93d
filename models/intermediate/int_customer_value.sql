{{ config(materialized='view') }} -- written down once, in customer_value_history
{#- what a customer was at the opening of the period that a slice closes #}
{%- set openings = {
    'raw_tier': dbt.type_string(), 'rfm_segment': dbt.type_string(), 'lifecycle_stage': dbt.type_string(),
    'net_revenue': 'numeric(18, 2)', 'monetary': 'numeric(18, 2)',
} %}
{%- set patience = var('demotion_patience') %}
{#- what the windows merely carry along; the fewer and the shorter, the better #}
{%- set facts = [
    'abc_tier', 'recency_score', 'frequency_score', 'monetary_score', 'recency_days', 'frequency', 'first_order_date',
    'last_order_date', 'order_count', 'margin', 'realised_value', 'overdue_ratio', 'expected_gap_days',
    'previous_monetary', 'purchase_days', 'margin_is_estimated', 'last_activity_date',
] %}

with judgements as (

    select * from {{ ref('int_customer_judgements') }}

),

earlier_slices as (

    select * from {{ ref('int_earlier_slices') }}

),

slices as (

    select * from {{ ref('int_slices') }}
    where is_open

),

rows_in_time as (

    select
        as_of_date,
        customer_id,
        {% for column in openings -%}
        {{ column }},
        {% endfor -%}
        {% for column in facts -%}
        {{ column }},
        {% endfor -%}
        true as is_open
    from judgements
    union all
    select
        as_of_date,
        customer_id,
        {% for column in openings -%}
        {{ column }},
        {% endfor -%}
        {% for column in facts -%}
        null as {{ column }},
        {% endfor -%}
        false as is_open
    from earlier_slices

),

-- Up at once, down only after the raw tier was lower at var demotion_patience month-ends in a row: the best of them.
-- A date within a month is no month-end, so it can lift a tier but never lower it.
with_openings as (

    select
        *,
        {% for column, sql_type in openings.items() -%}
        cast(
            lag({{ column }}) over (partition by customer_id order by as_of_date asc) as {{ sql_type }}
        ) as opening_{{ column }},
        {% endfor -%}
        min(raw_tier) over (
            partition by customer_id order by as_of_date asc
            rows between {{ patience - 1 }} preceding and current row
        ) as month_end_tier,
        min(raw_tier) over (
            partition by customer_id order by as_of_date asc
            rows between {{ patience }} preceding and current row
        ) as mid_month_tier,
        min(raw_tier) over (
            partition by customer_id order by as_of_date asc
            rows between {{ patience }} preceding and 1 preceding
        ) as opening_tier
    from rows_in_time

)

select
    with_openings.*,
    slices.slice_version,
    case when slices.is_month_end then with_openings.month_end_tier else with_openings.mid_month_tier end as tier
from with_openings
inner join slices on with_openings.as_of_date = slices.as_of_date
where with_openings.is_open
