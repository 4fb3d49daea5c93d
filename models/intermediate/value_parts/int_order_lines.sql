{{ config(materialized='view') }} -- read once, by int_cross_sales

with as_of_dates as (

    select max(as_of_date) as as_of_date from {{ ref('int_as_of_dates') }}

),

orders as (

    select orders.*
    from {{ ref('int_orders') }} as orders
    inner join as_of_dates on orders.order_date <= as_of_dates.as_of_date
    where orders.is_purchase

),

order_items as (

    select * from {{ ref('stg_order_items') }}
    where reject_reasons = ''

),

lines as (

    select
        order_items.order_id,
        order_items.line_number,
        orders.customer_id,
        orders.order_date,
        order_items.category,
        orders.cost_amount as order_cost_amount,
        {{ converted('order_items.net_amount', 'orders.exchange_rate') }} as net_revenue,
        {{ converted('order_items.cost_amount', 'orders.exchange_rate') }} as cost_amount
    from order_items
    inner join orders on order_items.order_id = orders.order_id

),

-- the order's cost less the costs of its lines belongs to the lines without a cost, in proportion to their net revenue
cost_rates as (

    select
        order_id,
        cast(max(order_cost_amount) - coalesce(sum(cost_amount), 0) as {{ type_double() }}) / nullif(cast(
            sum(case when cost_amount is null and net_revenue > 0 then net_revenue end) as {{ type_double() }}
        ), 0) as cost_rate
    from lines
    where order_cost_amount is not null
    group by order_id

),

-- with more decimals than a margin, so that the margin is rounded in the same way on every engine
costed as (

    select
        lines.*,
        case
            when lines.cost_amount is not null or lines.order_cost_amount is null then lines.cost_amount
            when lines.net_revenue <= 0 then 0
            else cast(cast(lines.net_revenue as {{ type_double() }}) * cost_rates.cost_rate as numeric(28, 8))
        end as known_cost_amount
    from lines
    left join cost_rates on lines.order_id = cost_rates.order_id

)

select
    order_id,
    line_number,
    customer_id,
    order_date,
    category,
    net_revenue,
    {{ margin('net_revenue', 'known_cost_amount', var('default_margin_rate')) }} as margin
from costed
