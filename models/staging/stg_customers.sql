{%- set columns = [
    'customer_id', 'created_at', 'email', 'phone', 'full_name', 'birth_date', 'region', 'country', 'language',
    'segment_attributes', 'acquisition_channel', 'acquisition_cost', 'email_consent', 'sms_consent',
    'consent_updated_at', 'unsubscribed_at', 'merged_into_customer_id',
] -%}
{%- set texts = [
    'email', 'phone', 'full_name', 'region', 'country', 'language', 'segment_attributes', 'acquisition_channel',
    'merged_into_customer_id',
] -%}
with source as (

    select * from {{ raw_copies(
        'customers', columns, text_of('raw_customer_id'), parsed_timestamp('raw_created_at')
    ) }} as copies

),

survivors as (

    select * from {{ ref('stg_customer_survivors') }}

),

typed as (

    select
        *,
        row_key as customer_id,
        {{ parsed_timestamp('raw_created_at') }} as created_at,
        {% for column in texts -%}
        {{ text_of('raw_' ~ column) }} as {{ column }},
        {% endfor -%}
        cast({{ parsed_timestamp('raw_birth_date') }} as date) as birth_date,
        {{ parsed_number('raw_acquisition_cost') }} as acquisition_cost,
        {{ parsed_boolean('raw_email_consent') }} as email_consent,
        {{ parsed_boolean('raw_sms_consent') }} as sms_consent,
        {{ parsed_timestamp('raw_consent_updated_at') }} as consent_updated_at,
        {{ parsed_timestamp('raw_unsubscribed_at') }} as unsubscribed_at
    from source
    {{ evaluated_once() }}

),

known as (

    select
        typed.*,
        {{ is_test_customer('typed.customer_id', 'typed.email') }} as is_test,
        survivors.is_endless
    from {{ with_surroundings('typed') }} as typed
    left join survivors on typed.customer_id = survivors.customer_id

),

judged as (

    select
        *,
        {{ reject_reasons({
            'missing_key': 'customer_id is null',
            'superseded': 'copy_number > 1',
            'unparseable_date': unparsed(['created_at', 'birth_date', 'consent_updated_at', 'unsubscribed_at']),
            'unparseable_number': unparsed(['acquisition_cost'], is_number=true),
            'unparseable_boolean': unparsed(['email_consent', 'sms_consent']),
            'not_finite': not_finite(['acquisition_cost']),
            'amount_out_of_range': out_of_range([], ['acquisition_cost'], var('max_amount')),
            'future_date': 'cast(created_at as date) > ends_on',
            'before_business_began': 'cast(created_at as date) < starts_on',
            'merged_into_itself': 'merged_into_customer_id = customer_id',
            'merge_loop': 'is_endless',
            'test_customer': 'is_test',
        }) }} as reject_reasons
    from known
    {{ evaluated_once() }}

)

select
    customer_id,
    created_at,
    email,
    phone,
    full_name,
    birth_date,
    region,
    country,
    language,
    segment_attributes,
    acquisition_channel,
    acquisition_cost,
    email_consent,
    sms_consent,
    consent_updated_at,
    unsubscribed_at,
    merged_into_customer_id,
    coalesce(is_test and copy_number = 1, false) as is_test,
    case when reject_reasons <> '' then row_key end as row_key,
    reject_reasons,
    case when reject_reasons <> '' then {{ json_of_row(columns) }} end as raw_row
from judged
