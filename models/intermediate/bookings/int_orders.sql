{{ config(materialized='view') }}
-- depends_on: {{ ref('stg_customers') }}

with orders as (

    select * from {{ ref('stg_orders') }}
    where reject_reasons = ''

),

order_lines as (

    select * from {{ ref('int_order_line_totals') }}

),
{% if var('guest_orders') == 'email' %}
customers as (

    select * from {{ ref('stg_customers') }}
    where reject_reasons = ''

),

-- several records of one e-mail: the first key
customers_by_email as (

    select
        {{ email_key('email') }} as email,
        min(customer_id) as customer_id
    from customers
    where email is not null
    group by {{ email_key('email') }}

),

{% endif %}
survivors as (

    select * from {{ ref('stg_customer_survivors') }}
    where not is_endless

),

-- a guest order has no customer; staging lets it pass only where var guest_orders counts it, or as a credit note of a
-- sale whose customer is known
named as (

    select
        orders.*,
        coalesce(
            orders.customer_id,
            {% if var('guest_orders') == 'email' -%}
            customers_by_email.customer_id,
            {{ dbt.concat(["'guest:'", pseudonym('orders.customer_email')]) }},
            {% endif -%}
            {{ dbt.concat(["'guest:'", 'orders.order_id']) }}
        ) as named_customer_id,
        -- the order's own figure first: it may hold costs that no line has
        coalesce(orders.cost_amount, order_lines.cost_amount) as stated_cost_amount,
        order_lines.line_count
    from orders
    left join order_lines on orders.order_id = order_lines.order_id
    {% if var('guest_orders') == 'email' -%}
    left join customers_by_email on orders.customer_email = customers_by_email.email
    {%- endif %}

),

converted as (

    select
        named.*,
        coalesce(survivors.survivor_customer_id, named.named_customer_id) as surviving_customer_id,
        {{ converted('named.gross_amount', 'named.exchange_rate') }} as reporting_gross_amount,
        {{ converted('named.discount_amount', 'named.exchange_rate') }} as reporting_discount_amount,
        {{ converted('named.shipping_amount', 'named.exchange_rate') }} as reporting_shipping_amount,
        {{ converted('named.stated_cost_amount', 'named.exchange_rate') }} as reporting_cost_amount
    from named
    left join survivors on named.named_customer_id = survivors.customer_id

)

select
    order_id,
    surviving_customer_id as customer_id,
    ordered_at,
    order_date,
    is_sale,
    -- by the amount in its own currency: a small credit may be worth no cent of another
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
    delivered_at,
    line_count
from converted
