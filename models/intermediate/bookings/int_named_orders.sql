{{ config(materialized='view') }} -- read once, by int_orders
-- depends_on: {{ ref('stg_customers') }}

with orders as (

    select * from {{ ref('stg_orders') }}
    where reject_reasons = ''

),
{% if var('guest_orders') == 'email' %}
customers as (

    select * from {{ ref('stg_customers') }}
    where reject_reasons = ''

),

-- several records with one e-mail: the first customer_id counts
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

-- A guest order has no customer. Staging accepts it only by var guest_orders, or as a credit note for a sale whose
-- customer is known.
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
        ) as named_customer_id
    from orders
    {% if var('guest_orders') == 'email' -%}
    left join customers_by_email on orders.customer_email = customers_by_email.email
    {%- endif %}

)

select
    named.*,
    coalesce(survivors.survivor_customer_id, named.named_customer_id) as surviving_customer_id
from named
left join survivors on named.named_customer_id = survivors.customer_id
