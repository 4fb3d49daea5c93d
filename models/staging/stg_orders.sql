with source as (

    select * from {{ source('raw', 'orders') }}

),

typed as (

    select
        cast(order_id as {{ dbt.type_string() }}) as order_id,
        cast(customer_id as {{ dbt.type_string() }}) as customer_id,
        cast(ordered_at as timestamp) as ordered_at,
        cast(gross_amount as numeric(18, 2)) as gross_amount,
        coalesce(cast(discount_amount as numeric(18, 2)), 0) as discount_amount,
        cast(shipping_amount as numeric(18, 2)) as shipping_amount,
        cast(cost_amount as numeric(18, 2)) as cost_amount,
        nullif(upper(trim(cast(currency as {{ dbt.type_string() }}))), '') as currency,
        nullif(
            replace(replace(lower(trim(cast(status as {{ dbt.type_string() }}))), ' ', '_'), '-', '_'), ''
        ) as status,
        cast(channel as {{ dbt.type_string() }}) as channel,
        cast(store_id as {{ dbt.type_string() }}) as store_id,
        cast(campaign_id as {{ dbt.type_string() }}) as campaign_id,
        cast(delivered_at as timestamp) as delivered_at
    from source

)

select
    order_id,
    customer_id,
    ordered_at,
    cast(ordered_at as date) as order_date,
    gross_amount,
    cast(discount_amount as numeric(18, 2)) as discount_amount,
    shipping_amount,
    cost_amount,
    currency,
    status,
    -- a shop that keeps no status has only sales
    coalesce(status in (
        {{ sql_strings(var('sale_statuses')) }}
    ), true) as is_sale,
    channel,
    store_id,
    campaign_id,
    delivered_at
from typed
