-- ring 3: the margin of every order is in its customer's margin, to the cent, and nothing else is
with by_order as (

    select
        customer_id,
        sum(case when is_purchase then 1 else 0 end) as order_count,
        sum(net_revenue) as net_revenue,
        sum(margin) as margin
    from {{ ref('orders') }}
    group by customer_id

)

select
    customer_value.customer_id,
    customer_value.margin,
    by_order.margin as margin_of_orders
from {{ ref('customer_value') }} as customer_value
full outer join by_order on customer_value.customer_id = by_order.customer_id
where
    customer_value.customer_id is null
    or customer_value.order_count is distinct from coalesce(by_order.order_count, 0)
    or customer_value.net_revenue is distinct from coalesce(by_order.net_revenue, 0)
    or customer_value.margin is distinct from coalesce(by_order.margin, 0)
