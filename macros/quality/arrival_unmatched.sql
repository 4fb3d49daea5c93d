{#-
  The customers of orders that the table of customers lacks: keys are written in two ways, or the table was cut. For the
  arrival guard, and for dbt show.

  Returns     SELECT of one row per customer id: customer_id as staging reads it, row_count (orders), most orders first
-#}
{% macro arrival_unmatched() -%}
    {%- set customer_id = text_of('raw_customer_id') -%}
    select
        orders.customer_id,
        count(*) as row_count
    from (
        select {{ customer_id }} as customer_id
        from {{ raw_relation('orders', ['customer_id']) }} as raw_rows
    ) as orders
    left join (
        select distinct {{ customer_id }} as customer_id
        from {{ raw_relation('customers', ['customer_id']) }} as raw_rows
    ) as customers on orders.customer_id = customers.customer_id
    where orders.customer_id is not null and customers.customer_id is null
    group by orders.customer_id
    order by count(*) desc, orders.customer_id
{%- endmacro %}
