with source as (

    select * from {{ source('raw', 'order_items') }}

)

select
    cast(order_id as {{ dbt.type_string() }}) as order_id,
    cast(line_number as integer) as line_number,
    cast(product_id as {{ dbt.type_string() }}) as product_id,
    cast(quantity as numeric(18, 3)) as quantity,
    cast(net_amount as numeric(18, 2)) as net_amount,
    cast(category as {{ dbt.type_string() }}) as category,
    cast(department as {{ dbt.type_string() }}) as department,
    cast(discount_amount as numeric(18, 2)) as discount_amount,
    cast(cost_amount as numeric(18, 2)) as cost_amount
from source
