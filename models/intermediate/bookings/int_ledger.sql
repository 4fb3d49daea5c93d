{{ config(materialized='view') }}

with orders as (

    select * from {{ ref('int_orders') }}
    where is_purchase

),

refunds as (

    select * from {{ ref('stg_refunds') }}
    where reject_reasons = ''

),

credit_notes as (

    select * from {{ ref('int_credit_notes') }}
    where is_booked

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
        -- a refund is never booked before its order
        greatest(refunds.refund_date, orders.order_date) as booked_on,
        cast(-{{ converted('refunds.amount', 'orders.exchange_rate') }} as numeric(18, 2)) as net_revenue,
        -- the known cost of the goods stays spent; an estimated margin falls with the revenue
        case when not orders.margin_is_estimated then 0 end as cost_amount,
        orders.margin_is_estimated
    from refunds
    inner join orders on refunds.order_id = orders.order_id

)

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
union all
-- a credit note that names its sale is a refund of it
select
    {{ dbt.concat(["'credit_note:'", 'order_id']) }} as entry_id,
    case when credited_order_id is null then 'credit_note' else 'refund' end as entry_type,
    coalesce(credited_order_id, order_id) as order_id,
    customer_id,
    order_date,
    booked_on,
    net_revenue,
    margin,
    margin_is_estimated
from credit_notes
