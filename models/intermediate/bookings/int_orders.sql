{{ config(materialized='view') }}
with orders as (

    select * from {{ ref('int_named_orders') }}

),

order_lines as (

    select * from {{ ref('int_order_line_totals') }}

),

costed as (

    select
        orders.*,
        -- the order's own figure first: it may hold costs that no line has
        coalesce(orders.cost_amount, order_lines.cost_amount) as stated_cost_amount,
        order_lines.line_count
    from orders
    left join order_lines on orders.order_id = order_lines.order_id

),

converted as (

    select
        *,
        {{ converted('gross_amount', 'exchange_rate') }} as reporting_gross_amount,
        {{ converted('discount_amount', 'exchange_rate') }} as reporting_discount_amount,
        {{ converted('shipping_amount', 'exchange_rate') }} as reporting_shipping_amount,
        {{ converted('stated_cost_amount', 'exchange_rate') }} as reporting_cost_amount
    from costed

)

select
    order_id,
    surviving_customer_id as customer_id,
    ordered_at,
    order_date,
    is_sale,
    -- by the amount in the order's own currency: a small credit may round to 0.00 in another one
    is_sale and gross_amount >= 0 as is_purchase,
    is_sale and gross_amount < 0 as is_credit_note,
    credited_order_id,
    reporting_gross_amount as gross_amount,
    reporting_discount_amount as discount_amount,
    cast(reporting_gross_amount - reporting_discount_amount as numeric(18, 2)) as sale_amount,
    cast(gross_amount - discount_amount as numeric(18, 2)) as original_amount,
    reporting_shipping_amount as shipping_amount,
    reporting_cost_amount as cost_amount,
    {{ margin(
        '(reporting_gross_amount - reporting_discount_amount)', 'reporting_cost_amount', var('default_margin_rate')
    ) }} as sale_margin,
    reporting_cost_amount is null as margin_is_estimated,
    currency,
    exchange_rate,
    status,
    channel,
    store_id,
    campaign_id,
    payment_method,
    promised_at,
    shipped_at,
    delivered_at,
    line_count
from converted
