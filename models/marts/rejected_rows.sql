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
{%- set earlier = load_relation(this) if execute and not should_full_refresh() else none %}

with as_of_dates as (

    select max(as_of_date) as as_of_date from {{ ref('int_as_of_dates') }}

),

rejected as (

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

-- equal rows are told apart by counting them
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

),

earlier as (

    {% if earlier -%}
    select
        rejected_row_id,
        first_seen_on
    from {{ this }}
    {%- else -%}
    select
        cast(null as {{ dbt.type_string() }}) as rejected_row_id,
        cast(null as date) as first_seen_on
    where 1 = 0
    {%- endif %}

),

identified as (

    select
        numbered.*,
        {{ dbt.concat([
            'source_name', "':'", 'raw_row_hash', "':'", 'cast(copy_number as ' ~ dbt.type_string() ~ ')'
        ]) }} as rejected_row_id
    from numbered

)

select
    identified.rejected_row_id,
    cast(identified.source_name as {{ dbt.type_string() }}) as source_name,
    identified.row_key,
    cast(identified.reject_reasons as {{ dbt.type_string() }}) as reject_reasons,
    cast(identified.amount as numeric(18, 2)) as amount,
    cast(identified.raw_row as {{ dbt.type_string() }}) as raw_row,
    coalesce(earlier.first_seen_on, as_of_dates.as_of_date) as first_seen_on
from identified
left join as_of_dates on 1 = 1
left join earlier on identified.rejected_row_id = earlier.rejected_row_id
