{%- set columns = [
    'ticket_id', 'customer_id', 'opened_at', 'first_responded_at', 'resolved_at', 'is_complaint', 'channel',
    'was_reopened', 'cost_amount',
] -%}
with source as (

    select * from {{ raw_copies(
        'support_tickets', columns, text_of('raw_ticket_id'), parsed_timestamp('raw_opened_at')
    ) }} as copies

),

typed as (

    select
        *,
        row_key as ticket_id,
        {{ text_of('raw_customer_id') }} as customer_id,
        {{ parsed_timestamp('raw_opened_at') }} as opened_at,
        {{ parsed_timestamp('raw_first_responded_at') }} as first_responded_at,
        {{ parsed_timestamp('raw_resolved_at') }} as resolved_at,
        {{ parsed_boolean('raw_is_complaint') }} as is_complaint,
        {{ text_of('raw_channel') }} as channel,
        {{ parsed_boolean('raw_was_reopened') }} as was_reopened,
        {{ parsed_number('raw_cost_amount') }} as cost_amount
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
            'missing_key': 'ticket_id is null',
            'missing_value': missing(['customer_id', 'opened_at']),
            'superseded': 'copy_number > 1',
            'unparseable_date': unparsed(['opened_at', 'first_responded_at', 'resolved_at']),
            'unparseable_number': unparsed(['cost_amount'], is_number=true),
            'unparseable_boolean': unparsed(['is_complaint', 'was_reopened']),
            'not_finite': not_finite(['cost_amount']),
            'amount_out_of_range': out_of_range([], ['cost_amount'], var('max_amount')),
            'future_date': 'cast(opened_at as date) > ends_on',
            'before_business_began': 'cast(opened_at as date) < starts_on',
            'dates_out_of_order': any_before(['first_responded_at', 'resolved_at'], 'opened_at'),
            'test_customer': 'is_test',
        }) }} as reject_reasons
    from known
    {{ evaluated_once() }}

)

select
    ticket_id,
    customer_id,
    opened_at,
    first_responded_at,
    resolved_at,
    is_complaint,
    channel,
    was_reopened,
    cost_amount,
    case when reject_reasons <> '' then row_key end as row_key,
    reject_reasons,
    case when reject_reasons <> '' then {{ json_of_row(columns) }} end as raw_row
from judged
