with orders as (

    select * from {{ ref('int_orders') }}
    where is_sale

),

refunds as (

    select * from {{ ref('stg_refunds') }}
    where reject_reasons = ''

),

first_orders as (

    select
        customer_id,
        min(order_date) as first_order_date
    from orders
    group by customer_id

),

sales as (

    select
        {{ dbt.concat(["'sale:'", 'order_id']) }} as entry_id,
        'sale' as entry_type,
        order_id,
        customer_id,
        order_date,
        order_date as booked_on,
        sale_amount as net_revenue,
        sale_margin as margin,
        margin_is_estimated
    from orders

),

refunds_of_sales as (

    select
        refunds.refund_id,
        orders.order_id,
        orders.customer_id,
        orders.order_date,
        -- money cannot come back before it came in
        greatest(refunds.refund_date, orders.order_date) as booked_on,
        cast(-{{ converted('refunds.amount', 'orders.exchange_rate') }} as numeric(18, 2)) as net_revenue,
        -- the goods' known cost is spent either way; an estimated margin shrinks with the revenue
        case when not orders.margin_is_estimated then 0 end as cost_amount,
        orders.margin_is_estimated
    from refunds
    inner join orders on refunds.order_id = orders.order_id

),

entries as (

    select
        entry_id,
        entry_type,
        order_id,
        customer_id,
        order_date,
        booked_on,
        net_revenue,
        margin,
        margin_is_estimated
    from sales
    union all
    select
        {{ dbt.concat(["'refund:'", 'refund_id']) }} as entry_id,
        'refund' as entry_type,
        order_id,
        customer_id,
        order_date,
        booked_on,
        net_revenue,
        {{ margin('net_revenue', 'cost_amount', var('default_margin_rate')) }} as margin,
        margin_is_estimated
    from refunds_of_sales

)

select
    entries.entry_id,
    entries.entry_type,
    entries.order_id,
    entries.customer_id,
    entries.order_date,
    entries.booked_on,
    entries.net_revenue,
    entries.margin,
    entries.margin_is_estimated,
    -- a decimal, so that its sum does not depend on the order of the rows
    cast({{ discounted_value(
        'entries.margin',
        dbt.datediff('first_orders.first_order_date', 'entries.booked_on', 'day'),
        var('annual_discount_rate')
    ) }} as numeric(28, 8)) as discounted_margin
from entries
inner join first_orders on entries.customer_id = first_orders.customer_id
