{{ config(materialized='view') }}
{#- the amount that each source reports #}
{%- set amounts = {
    'orders': 'gross_amount',
    'order_items': 'net_amount',
    'customers': 'acquisition_cost',
    'refunds': 'amount',
    'marketing_touches': 'cost_amount',
    'events': none,
    'support_tickets': 'cost_amount',
    'survey_responses': none,
    'referrals': none,
    'exchange_rates': none,
} -%}

with rejected as (

    {% for source, amount in amounts.items() -%}
    select
        '{{ source }}' as source_name,
        row_key,
        reject_reasons,
        {{ amount or 'null' }} as amount,
        raw_row
    from {{ ref('stg_' ~ source) }}
    where reject_reasons <> ''
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

-- equal rows are numbered
numbered as (

    select
        source_name,
        row_key,
        reject_reasons,
        amount,
        raw_row,
        md5(raw_row) as raw_row_hash,
        row_number() over (partition by source_name, raw_row order by reject_reasons) as copy_number
    from rejected

)

select
    numbered.*,
    {{ dbt.concat([
        'source_name', "':'", 'raw_row_hash', "':'", 'cast(copy_number as ' ~ dbt.type_string() ~ ')'
    ]) }} as rejected_row_id
from numbered
