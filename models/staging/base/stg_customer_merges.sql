{%- set columns = [
    'customer_id', 'created_at', 'email', 'phone', 'full_name', 'birth_date', 'region', 'country', 'language',
    'segment_attributes', 'acquisition_channel', 'acquisition_cost', 'email_consent', 'sms_consent',
    'consent_updated_at', 'unsubscribed_at', 'merged_into_customer_id',
] -%}
with source as (

    select * from {{ raw_copies(
        'customers', columns, text_of('raw_customer_id'), parsed_timestamp('raw_created_at')
    ) }} as copies

),

typed as (

    select
        row_key as customer_id,
        {{ text_of('raw_merged_into_customer_id') }} as merged_into_customer_id
    from source
    where copy_number = 1

)

select
    customer_id,
    merged_into_customer_id
from typed
where customer_id <> merged_into_customer_id
