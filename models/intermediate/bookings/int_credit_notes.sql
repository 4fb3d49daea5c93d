with credit_notes as (

    select * from {{ ref('int_orders') }}
    where is_credit_note

),

orders as (

    select * from {{ ref('int_orders') }}
    where not is_credit_note

),

-- a credit note that names no order of its customer counts by itself; one without a customer takes the order's
matched as (

    select
        credit_notes.order_id,
        orders.order_id as credited_order_id,
        coalesce(orders.customer_id, credit_notes.customer_id) as customer_id,
        coalesce(orders.order_date, credit_notes.order_date) as order_date,
        credit_notes.order_date as credited_on,
        coalesce(orders.is_sale, true) as is_booked,
        case
            when orders.currency = credit_notes.currency
                then {{ converted('credit_notes.original_amount', 'orders.exchange_rate') }}
            else credit_notes.sale_amount
        end as net_revenue,
        case
            when orders.order_id is null then credit_notes.cost_amount
            -- as for a refund: the known cost of the goods stays spent; an estimated margin falls with the revenue
            when not orders.margin_is_estimated then 0
        end as cost_amount,
        coalesce(orders.margin_is_estimated, credit_notes.margin_is_estimated) as margin_is_estimated
    from credit_notes
    left join orders
        on
            credit_notes.credited_order_id = orders.order_id
            and (
                credit_notes.customer_id = orders.customer_id
                or credit_notes.customer_id = {{ dbt.concat(["'guest:'", 'credit_notes.order_id']) }}
            )

)

select
    order_id,
    credited_order_id,
    customer_id,
    order_date,
    credited_on,
    -- a note is never booked before the order that it credits
    greatest(credited_on, order_date) as booked_on,
    is_booked,
    net_revenue,
    {{ margin('net_revenue', 'cost_amount', var('default_margin_rate')) }} as margin,
    margin_is_estimated
from matched
