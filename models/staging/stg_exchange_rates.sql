{%- set columns = ['currency', 'rate_date', 'rate_to_reporting'] -%}
{%- set currency = 'upper(' ~ text_of('raw_currency') ~ ')' -%}
{%- set rate_date = 'cast(' ~ parsed_timestamp('raw_rate_date') ~ ' as date)' -%}
{%- set key = dbt.concat([currency, "'|'", 'cast(' ~ rate_date ~ ' as ' ~ dbt.type_string() ~ ')']) -%}
with source as (

    select * from {{ raw_copies('exchange_rates', columns, key) }} as copies

),

typed as (

    select
        *,
        {{ currency }} as currency,
        {{ rate_date }} as rate_date,
        {{ parsed_number('raw_rate_to_reporting', 18, 8) }} as rate_to_reporting
    from {{ with_surroundings('source') }} as known_rows
    {{ evaluated_once() }}

),

judged as (

    select
        *,
        {{ reject_reasons({
            'missing_key': missing(['currency', 'rate_date']),
            'missing_value': missing(['rate_to_reporting']),
            'superseded': 'copy_number > 1',
            'unparseable_date': unparsed(['rate_date']),
            'unparseable_number': unparsed(['rate_to_reporting'], is_number=true),
            'not_finite': not_finite(['rate_to_reporting']),
            'amount_out_of_range': 'rate_to_reporting <= 0',
            'future_date': 'rate_date > ends_on',
            'before_business_began': 'rate_date < starts_on',
        }) }} as reject_reasons
    from typed
    {{ evaluated_once() }}

)

select
    currency,
    rate_date,
    rate_to_reporting,
    case when reject_reasons <> '' then row_key end as row_key,
    reject_reasons,
    case when reject_reasons <> '' then {{ json_of_row(columns) }} end as raw_row
from judged
