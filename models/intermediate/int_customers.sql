with orders as (

    select * from {{ ref('stg_orders') }}

),

customers as (

    select * from {{ ref('stg_customers') }}

),

-- an order that is no sale makes a customer known all the same
known_by_order as (

    select
        customer_id,
        min(order_date) as known_on
    from orders
    group by customer_id

),

known_by_record as (

    select
        customer_id,
        cast(created_at as date) as known_on
    from customers

)

select
    coalesce(known_by_order.customer_id, known_by_record.customer_id) as customer_id,
    -- an undated record is known from the start, whether or not an order follows: what comes later must not tell
    case
        when known_by_order.customer_id is null then known_by_record.known_on
        when known_by_record.customer_id is null then known_by_order.known_on
        when known_by_order.known_on < known_by_record.known_on then known_by_order.known_on
        else known_by_record.known_on
    end as known_on
from known_by_order
full outer join known_by_record on known_by_order.customer_id = known_by_record.customer_id
