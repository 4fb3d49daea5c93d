{#- per source: a column that always exists, then every amount; rejected_rows.amount is the first amount #}
{%- set sources = {
    'orders': ['order_id', 'gross_amount', 'discount_amount', 'shipping_amount', 'cost_amount'],
    'order_items': ['order_id', 'net_amount', 'discount_amount', 'cost_amount'],
    'customers': ['customer_id', 'acquisition_cost'],
    'refunds': ['refund_id', 'amount'],
    'marketing_touches': ['touch_id', 'cost_amount'],
    'events': ['event_id'],
    'support_tickets': ['ticket_id', 'cost_amount'],
    'survey_responses': ['response_id'],
    'referrals': ['referral_id'],
    'exchange_rates': ['currency'],
} -%}
with rejected as (

    select
        source_name,
        count(*) as rejected_row_count,
        sum(amount) as rejected_first_amount
    from {{ ref('rejected_rows') }}
    group by source_name

),
{% for source, columns in sources.items() if var('has_' ~ source, true) %}
-- the raw table itself, not staging, so that a row lost on the way shows
{{ source }}_raw as (

    select
        {% for measure in columns[1:] -%}
        sum({{ parsed_number('raw_' ~ measure) }}) as {{ measure }},
        {% endfor -%}
        count(*) as row_count
    from {{ raw_relation(source, columns) }} as raw_rows

),

{{ source }}_staged as (

    select
        {% for measure in columns[1:] -%}
        sum(case when reject_reasons = '' then {{ measure }} end) as accepted_{{ measure }},
        {% endfor -%}
        {% for measure in columns[2:] -%}
        sum(case when reject_reasons <> '' then {{ measure }} end) as rejected_{{ measure }},
        {% endfor -%}
        sum(case when reject_reasons = '' then 1 else 0 end) as accepted_row_count
    from {{ ref('stg_' ~ source) }}

),

{{ source }}_totals as (

    select
        {{ source }}_raw.*,
        {{ source }}_staged.*,
        rejected.*
    from {{ source }}_raw
    cross join {{ source }}_staged
    left join rejected on rejected.source_name = '{{ source }}'

),
{% endfor %}
measures as (

    {% for source, columns in sources.items() if var('has_' ~ source, true) -%}
    {%- set outer = loop -%}
    {%- for measure in ['row_count'] + columns[1:] -%}
    select
        '{{ source }}' as source_name,
        '{{ measure }}' as measure,
        {{ measure }} as raw_total,
        accepted_{{ measure }} as accepted,
        rejected_{{ 'first_amount' if measure == columns[1] else measure }} as rejected
    from {{ source }}_totals
    {{ 'union all' if not (loop.last and outer.last) }}
    {% endfor %}
    {%- endfor %}
),

filled as (

    select
        source_name,
        measure,
        cast(coalesce(raw_total, 0) as numeric(28, 2)) as raw_total,
        cast(coalesce(accepted, 0) as numeric(28, 2)) as accepted,
        cast(coalesce(rejected, 0) as numeric(28, 2)) as rejected
    from measures

)

select
    cast(source_name as {{ dbt.type_string() }}) as source_name,
    cast(measure as {{ dbt.type_string() }}) as measure,
    raw_total as raw, -- noqa: RF04
    accepted,
    rejected,
    cast(raw_total - accepted - rejected as numeric(28, 2)) as difference
from filled
