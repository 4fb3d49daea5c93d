with source as (

    select * from {{ source('raw', 'refunds') }}

)

select
    cast(refund_id as {{ dbt.type_string() }}) as refund_id,
    cast(order_id as {{ dbt.type_string() }}) as order_id,
    cast(cast(refunded_at as timestamp) as date) as refund_date,
    cast(amount as numeric(18, 2)) as amount
from source
