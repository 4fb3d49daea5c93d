with customers as (

    select * from {{ ref('stg_customers') }}
    where is_test

)

select customer_id from customers
{% for customer_id in var('test_customer_ids') %}
union
select cast({{ sql_strings([customer_id]) }} as {{ dbt.type_string() }}) as customer_id
{% endfor %}
