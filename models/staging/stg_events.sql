{%- set columns = [
    'event_id', 'customer_id', 'occurred_at', 'event_type', 'duration_seconds', 'product_id', 'is_bot',
] -%}
with source as (

    select * from {{ raw_copies(
        'events', columns, text_of('raw_event_id'), parsed_timestamp('raw_occurred_at')
    ) }} as copies

),

typed as (

    select
        *,
        row_key as event_id,
        {{ text_of('raw_customer_id') }} as customer_id,
        {{ parsed_timestamp('raw_occurred_at') }} as occurred_at,
        lower({{ text_of('raw_event_type') }}) as event_type,
        {{ parsed_number('raw_duration_seconds', 18, 3) }} as duration_seconds,
        {{ text_of('raw_product_id') }} as product_id,
        {{ parsed_boolean('raw_is_bot') }} as is_bot
    from source
    {{ evaluated_once() }}

),

known as (

    select * from {{ with_surroundings('typed', customers=['customer_id']) }} as known_rows

),

judged as (

    select
        *,
        {{ reject_reasons({
            'missing_key': 'event_id is null',
            'missing_value': missing(['customer_id', 'occurred_at', 'event_type']),
            'superseded': 'copy_number > 1',
            'unparseable_date': unparsed(['occurred_at']),
            'unparseable_number': unparsed(['duration_seconds'], is_number=true),
            'unparseable_boolean': unparsed(['is_bot']),
            'not_finite': not_finite(['duration_seconds']),
            'amount_out_of_range': 'duration_seconds < 0',
            'future_date': 'cast(occurred_at as date) > ends_on',
            'before_business_began': 'cast(occurred_at as date) < starts_on',
            'test_customer': 'is_test',
            'bot': 'is_bot',
        }) }} as reject_reasons
    from known
    {{ evaluated_once() }}

)

select
    event_id,
    customer_id,
    occurred_at,
    event_type,
    duration_seconds,
    product_id,
    case when reject_reasons <> '' then row_key end as row_key,
    reject_reasons,
    case when reject_reasons <> '' then {{ json_of_row(columns) }} end as raw_row
from judged
