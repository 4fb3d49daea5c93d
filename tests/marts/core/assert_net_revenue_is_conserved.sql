-- Accepted money = published money, to the cent: the amounts that staging accepted, in the reporting currency, less
-- each amount that is left out. The mart reconciliation covers the way from the raw tables to staging. Each row of the
-- result is a mart with a difference.
with as_of_dates as (

    select max(as_of_date) as as_of_date from {{ ref('int_as_of_dates') }}

),

orders as (

    select
        order_id,
        exchange_rate,
        currency,
        gross_amount,
        gross_amount - discount_amount as original_amount,
        cast(gross_amount * coalesce(exchange_rate, 1) as numeric(18, 2))
        - cast(discount_amount * coalesce(exchange_rate, 1) as numeric(18, 2)) as amount,
        is_sale,
        order_date
    from {{ ref('stg_orders') }}
    where reject_reasons = ''

),

refunds as (

    select
        refunds.order_id,
        cast(refunds.amount * coalesce(orders.exchange_rate, 1) as numeric(18, 2)) as amount,
        refunds.refund_date,
        orders.order_date,
        coalesce(orders.is_sale and orders.gross_amount >= 0, false) as is_refund_of_sale
    from {{ ref('stg_refunds') }} as refunds
    left join orders on refunds.order_id = orders.order_id
    where refunds.reject_reasons = ''

),

-- credit notes that name an order of their customer: at the exchange rate of that order, and left out with it
credits as (

    select
        own.order_id,
        own.amount,
        case
            when own.currency = credited.currency
                then cast(own.original_amount * coalesce(credited.exchange_rate, 1) as numeric(18, 2))
            else own.amount
        end as booked_amount,
        greatest(own.order_date, credited.order_date) as booked_on,
        credited.is_sale
    from {{ ref('int_credit_notes') }} as credit_notes
    inner join orders as own on credit_notes.order_id = own.order_id
    inner join orders as credited on credit_notes.credited_order_id = credited.order_id

),

items as (

    select
        'accepted orders' as item,
        amount
    from orders
    union all
    select
        'accepted refunds' as item,
        -amount as amount
    from refunds
    union all
    select
        'excluded: order is no sale' as item,
        -amount as amount
    from orders
    where not is_sale
    union all
    select
        'excluded: sale after the as-of date' as item,
        -orders.amount as amount
    from orders
    inner join as_of_dates on orders.order_date > as_of_dates.as_of_date
    where orders.is_sale and orders.order_id not in (select credits.order_id from credits)
    union all
    select
        'credit notes of an order, as they are booked' as item,
        case
            when credits.is_sale and credits.booked_on <= as_of_dates.as_of_date then credits.booked_amount else 0
        end - credits.amount as amount
    from credits
    cross join as_of_dates
    union all
    select
        'excluded: refund of what is no sale' as item,
        amount
    from refunds
    where not is_refund_of_sale
    union all
    select
        'excluded: refund known after the as-of date' as item,
        refunds.amount
    from refunds
    inner join as_of_dates on as_of_dates.as_of_date < greatest(refunds.refund_date, refunds.order_date)
    where refunds.is_refund_of_sale

),

published as (

    {% for mart in ['customer_value', 'orders', 'tier_summary', 'segment_summary'] -%}
    select
        '{{ mart }}' as mart,
        coalesce(sum(net_revenue), 0) as net_revenue
    from {{ ref(mart) }}
    {{ 'where as_of_date = (select max(latest.as_of_date) from as_of_dates as latest)' if mart != 'orders' }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

expected as (

    select coalesce(sum(amount), 0) as net_revenue from items

)

select
    published.mart,
    published.net_revenue,
    expected.net_revenue as expected_net_revenue
from published
cross join expected
where published.net_revenue is distinct from expected.net_revenue
