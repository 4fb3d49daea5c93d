{%- set columns = [
    'response_id', 'customer_id', 'responded_at', 'survey_type', 'score', 'order_id', 'ticket_id',
] -%}
with source as (

    select * from {{ raw_copies(
        'survey_responses', columns, text_of('raw_response_id'), parsed_timestamp('raw_responded_at')
    ) }} as copies

),

typed as (

    select
        *,
        row_key as response_id,
        {{ text_of('raw_customer_id') }} as customer_id,
        {{ parsed_timestamp('raw_responded_at') }} as responded_at,
        lower({{ text_of('raw_survey_type') }}) as survey_type,
        cast({{ parsed_number('raw_score', 9, 0) }} as integer) as score,
        {{ text_of('raw_order_id') }} as order_id,
        {{ text_of('raw_ticket_id') }} as ticket_id
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
            'missing_key': 'response_id is null',
            'missing_value': missing(['customer_id', 'responded_at', 'survey_type', 'score']),
            'superseded': 'copy_number > 1',
            'unparseable_date': unparsed(['responded_at']),
            'unparseable_number': unparsed(['score'], is_number=true),
            'not_finite': not_finite(['score']),
            'future_date': 'cast(responded_at as date) > ends_on',
            'before_business_began': 'cast(responded_at as date) < starts_on',
            'test_customer': 'is_test',
            'unknown_survey_type': "survey_type not in ('nps', 'csat')",
            'score_out_of_range':
                "survey_type = 'nps' and (score < 0 or score > 10) or survey_type = 'csat' and (score < 1 or score > 5)",
        }) }} as reject_reasons
    from known
    {{ evaluated_once() }}

)

select
    response_id,
    customer_id,
    responded_at,
    survey_type,
    score,
    order_id,
    ticket_id,
    case when reject_reasons <> '' then row_key end as row_key,
    reject_reasons,
    case when reject_reasons <> '' then {{ json_of_row(columns) }} end as raw_row
from judged
