with orders as (

    select * from {{ ref('stg_orders') }}
    where is_sale

),

order_lines as (

    select * from {{ ref('int_order_lines') }}

),

costed as (

    select
        orders.order_id,
        orders.customer_id,
        orders.ordered_at,
        orders.order_date,
        orders.gross_amount,
        orders.discount_amount,
        cast(orders.gross_amount - orders.discount_amount as numeric(18, 2)) as sale_amount,
        orders.shipping_amount,
        -- the order's own figure first: it may hold costs that no line has
        cast(coalesce(orders.cost_amount, order_lines.cost_amount) as numeric(18, 2)) as cost_amount,
        orders.status,
        orders.channel,
        orders.store_id,
        orders.campaign_id,
        orders.delivered_at,
        order_lines.line_count
    from orders
    left join order_lines on orders.order_id = order_lines.order_id

)

select
    order_id,
    customer_id,
    ordered_at,
    order_date,
    gross_amount,
    discount_amount,
    sale_amount,
    shipping_amount,
    cost_amount,
    {{ margin('sale_amount', 'cost_amount', var('default_margin_rate')) }} as sale_margin,
    cost_amount is null as margin_is_estimated,
    status,
    channel,
    store_id,
    campaign_id,
    delivered_at,
    line_count
from costed
