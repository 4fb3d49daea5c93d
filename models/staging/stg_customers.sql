{%- set columns = [
    'customer_id', 'created_at', 'email', 'full_name', 'birth_date', 'region', 'segment_attributes',
    'acquisition_channel', 'acquisition_cost', 'merged_into_customer_id',
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
        {{ text_of('raw_email') }} as email,
        {{ text_of('raw_full_name') }} as full_name,
        cast({{ parsed_timestamp('raw_birth_date') }} as date) as birth_date,
        {{ text_of('raw_region') }} as region,
        {{ text_of('raw_segment_attributes') }} as segment_attributes,
        {{ text_of('raw_acquisition_channel') }} as acquisition_channel,
        {{ parsed_number('raw_acquisition_cost') }} as acquisition_cost,
        {{ text_of('raw_merged_into_customer_id') }} as merged_into_customer_id
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
            'unparseable_date': unparsed(['created_at', 'birth_date']),
            'unparseable_number': unparsed(['acquisition_cost'], is_number=true),
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
    full_name,
    birth_date,
    region,
    segment_attributes,
    acquisition_channel,
    acquisition_cost,
    merged_into_customer_id,
    coalesce(is_test and copy_number = 1, false) as is_test,
    case when reject_reasons <> '' then row_key end as row_key,
    reject_reasons,
    case when reject_reasons <> '' then {{ json_of_row(columns) }} end as raw_row
from judged
