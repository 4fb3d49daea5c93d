with known_customers as (

    select * from {{ ref('int_customers') }}

),

records as (

    select * from {{ ref('stg_customers') }}

)

select
    known_customers.customer_id,
    known_customers.known_on,
    records.created_at,
    records.email,
    records.full_name,
    records.birth_date,
    records.region,
    records.segment_attributes,
    records.acquisition_channel,
    records.acquisition_cost
from known_customers
left join records on known_customers.customer_id = records.customer_id
