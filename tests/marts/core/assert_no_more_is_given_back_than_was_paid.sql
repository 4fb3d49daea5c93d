-- Refunds of more than var max_refund_share of the amount paid are rejected. A credit note is an order of its own and
-- does not count for that limit, so this test warns if both together give back too much: a return that is exported
-- twice, as a refund and as a credit note, or a credit note that names the wrong sale.
{{ config(severity='warn') }}
with given_back as (

    select
        order_id,
        -sum(net_revenue) as amount
    from {{ ref('int_ledger') }}
    where entry_type = 'refund'
    group by order_id

)

select
    orders.order_id,
    orders.customer_id,
    orders.sale_amount + coalesce(orders.shipping_amount, 0) as paid,
    given_back.amount
from given_back
inner join {{ ref('int_orders') }} as orders on given_back.order_id = orders.order_id
where
    given_back.amount
    > (orders.sale_amount + coalesce(orders.shipping_amount, 0)) * {{ var('max_refund_share') }} + 0.01
