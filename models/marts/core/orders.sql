with credit_notes as (

    select * from {{ ref('int_credit_notes') }}

),

-- a credit note that names an order is among the refunds of that order, or left out with it
orders as (

    select orders.*
    from {{ ref('int_orders') }} as orders
    left join credit_notes on orders.order_id = credit_notes.order_id
    where orders.is_sale and credit_notes.credited_order_id is null

),

ledger as (

    select * from {{ ref('int_ledger') }}

),

as_of_dates as (

    select max(as_of_date) as as_of_date from {{ ref('int_as_of_dates') }}

),

-- before the first refund of any order, the company may not record refunds
refund_days as (

    select refund_date from {{ ref('stg_refunds') }}
    where reject_reasons = ''
    union all
    select credited_on as refund_date from credit_notes
    where credited_order_id is not null

),

refund_history as (

    select min(refund_date) as first_refund_date from refund_days

),

refunds as (

    select
        ledger.order_id,
        -sum(ledger.net_revenue) as refund_amount,
        sum(ledger.margin) as margin
    from ledger
    inner join as_of_dates on ledger.booked_on <= as_of_dates.as_of_date
    where ledger.entry_type = 'refund'
    group by ledger.order_id

)

select
    orders.order_id,
    orders.customer_id,
    orders.ordered_at,
    orders.order_date,
    orders.status,
    orders.channel,
    orders.store_id,
    orders.campaign_id,
    orders.payment_method,
    orders.promised_at,
    case
        when cast(orders.shipped_at as date) <= as_of_dates.as_of_date then orders.shipped_at
    end as shipped_at,
    case
        when cast(orders.delivered_at as date) <= as_of_dates.as_of_date then orders.delivered_at
    end as delivered_at,
    orders.line_count,
    orders.is_purchase,

    -- amounts, as known on the as-of date
    orders.gross_amount,
    orders.discount_amount,
    cast(
        case when refund_history.first_refund_date <= as_of_dates.as_of_date then coalesce(refunds.refund_amount, 0) end
        as numeric(18, 2)
    ) as refund_amount,
    cast(orders.sale_amount - coalesce(refunds.refund_amount, 0) as numeric(18, 2)) as net_revenue,
    orders.cost_amount,
    cast(orders.sale_margin + coalesce(refunds.margin, 0) as numeric(18, 2)) as margin,
    orders.margin_is_estimated,
    orders.shipping_amount,

    -- the original currency
    orders.currency,
    orders.exchange_rate
from orders
inner join as_of_dates on orders.order_date <= as_of_dates.as_of_date
cross join refund_history
left join refunds on orders.order_id = refunds.order_id
