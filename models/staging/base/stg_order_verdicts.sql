{{ config(materialized='view') }} -- read by the lines and by the refunds of orders
with orders as (

    select * from {{ ref('stg_orders') }}

),

accepted as (

    select
        order_id,
        gross_amount - discount_amount as order_amount,
        -- for a credit note, the customer paid nothing
        case
            when gross_amount < 0 then 0
            else gross_amount - discount_amount + coalesce(shipping_amount, 0)
        end as paid_amount
    from orders
    where reject_reasons = ''

),

-- an order is accepted if one copy of it is
rejected as (

    select distinct orders.order_id
    from orders
    left join accepted on orders.order_id = accepted.order_id
    where orders.reject_reasons <> '' and orders.order_id is not null and accepted.order_id is null

)

select
    order_id,
    true as is_accepted,
    cast(order_amount as numeric(18, 2)) as order_amount,
    cast(paid_amount as numeric(18, 2)) as paid_amount
from accepted
union all
select
    order_id,
    false as is_accepted,
    cast(null as numeric(18, 2)) as order_amount,
    cast(null as numeric(18, 2)) as paid_amount
from rejected
