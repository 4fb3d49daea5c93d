{%- set columns = [
    'touch_id', 'customer_id', 'sent_at', 'campaign_id', 'channel', 'cost_amount', 'responded_at',
] -%}
with source as (

    select * from {{ raw_copies(
        'marketing_touches', columns, text_of('raw_touch_id'), parsed_timestamp('raw_sent_at')
    ) }} as copies

),

typed as (

    select
        *,
        row_key as touch_id,
        {{ text_of('raw_customer_id') }} as customer_id,
        {{ parsed_timestamp('raw_sent_at') }} as sent_at,
        {{ text_of('raw_campaign_id') }} as campaign_id,
        {{ text_of('raw_channel') }} as channel,
        {{ parsed_number('raw_cost_amount') }} as cost_amount,
        {{ parsed_timestamp('raw_responded_at') }} as responded_at
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
            'missing_key': 'touch_id is null',
            'missing_value': missing(['customer_id', 'sent_at']),
            'superseded': 'copy_number > 1',
            'unparseable_date': unparsed(['sent_at', 'responded_at']),
            'unparseable_number': unparsed(['cost_amount'], is_number=true),
            'not_finite': not_finite(['cost_amount']),
            'amount_out_of_range': out_of_range([], ['cost_amount'], var('max_amount')),
            'future_date': 'cast(sent_at as date) > ends_on',
            'before_business_began': 'cast(sent_at as date) < starts_on',
            'test_customer': 'is_test',
        }) }} as reject_reasons
    from known
    {{ evaluated_once() }}

)

select
    touch_id,
    customer_id,
    sent_at,
    campaign_id,
    channel,
    cost_amount,
    responded_at,
    case when reject_reasons <> '' then row_key end as row_key,
    reject_reasons,
    case when reject_reasons <> '' then {{ json_of_row(columns) }} end as raw_row
from judged
