-- Money in = money out, to the cent: published net revenue = raw net revenue - what is left out, item by item.
-- Raw is read from the sources themselves, so that a row lost in any layer shows. A row here is a measure that is off.
with as_of_dates as (

    select max(as_of_date) as as_of_date from {{ ref('int_as_of_dates') }}

),

raw_orders as (

    select
        cast(raw_orders.order_id as {{ dbt.type_string() }}) as order_id,
        cast(raw_orders.gross_amount as numeric(18, 2))
        - coalesce(cast(raw_orders.discount_amount as numeric(18, 2)), 0) as amount,
        -- an order that staging lost must not pass for one that was left out
        coalesce(stg_orders.is_sale, true) as is_sale,
        cast(cast(raw_orders.ordered_at as timestamp) as date) as order_date
    from {{ source('raw', 'orders') }} as raw_orders
    left join {{ ref('stg_orders') }} as stg_orders
        on cast(raw_orders.order_id as {{ dbt.type_string() }}) = stg_orders.order_id

),

raw_refunds as (

    select
        cast(order_id as {{ dbt.type_string() }}) as order_id,
        cast(amount as numeric(18, 2)) as amount,
        cast(cast(refunded_at as timestamp) as date) as refund_date
    from {{ source('raw', 'refunds') }}

),

items as (

    select
        'raw orders' as item,
        amount
    from raw_orders
    union all
    select
        'raw refunds' as item,
        -amount as amount
    from raw_refunds
    union all
    select
        'excluded: order is no sale' as item,
        -amount as amount
    from raw_orders
    where not is_sale
    union all
    select
        'excluded: sale after the as-of date' as item,
        -raw_orders.amount as amount
    from raw_orders
    inner join as_of_dates on raw_orders.order_date > as_of_dates.as_of_date
    where raw_orders.is_sale
    union all
    select
        'excluded: refund of what is no sale' as item,
        raw_refunds.amount
    from raw_refunds
    left join raw_orders on raw_refunds.order_id = raw_orders.order_id
    where not coalesce(raw_orders.is_sale, false)
    union all
    select
        'excluded: refund known after the as-of date' as item,
        raw_refunds.amount
    from raw_refunds
    inner join raw_orders on raw_refunds.order_id = raw_orders.order_id
    inner join as_of_dates on as_of_dates.as_of_date < greatest(raw_refunds.refund_date, raw_orders.order_date)
    where raw_orders.is_sale

),

published as (

    {% for mart in ['customer_value', 'orders', 'tier_summary', 'segment_summary'] -%}
    select
        '{{ mart }}' as mart,
        coalesce(sum(net_revenue), 0) as net_revenue
    from {{ ref(mart) }}
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
