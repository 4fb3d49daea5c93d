with source as (

    select * from {{ source('raw', 'customers') }}

)

select
    cast(customer_id as {{ dbt.type_string() }}) as customer_id,
    cast(created_at as timestamp) as created_at,
    cast(email as {{ dbt.type_string() }}) as email,
    cast(full_name as {{ dbt.type_string() }}) as full_name,
    cast(birth_date as date) as birth_date,
    cast(region as {{ dbt.type_string() }}) as region,
    cast(segment_attributes as {{ dbt.type_string() }}) as segment_attributes,
    cast(acquisition_channel as {{ dbt.type_string() }}) as acquisition_channel,
    cast(acquisition_cost as numeric(18, 2)) as acquisition_cost
from source
