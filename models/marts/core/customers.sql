with known_customers as (

    select * from {{ ref('int_customers') }}

),

records as (

    select * from {{ ref('stg_customers') }}
    where reject_reasons = ''

)

select
    known_customers.customer_id,
    known_customers.known_on,
    records.created_at,
    records.email,
    records.phone,
    records.full_name,
    records.birth_date,
    records.region,
    records.country,
    records.language,
    records.segment_attributes,
    records.acquisition_channel,
    records.acquisition_cost,
    records.email_consent,
    records.sms_consent,
    records.consent_updated_at,
    records.unsubscribed_at,
    known_customers.record_count
from known_customers
left join records on known_customers.customer_id = records.customer_id
