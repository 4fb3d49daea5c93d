with lines as (

    select * from {{ ref('int_order_lines') }}
    where category is not null

),

customers as (

    select * from {{ ref('int_customers') }}

),

-- margin per customer, category and day
bought as (

    select
        customer_id,
        category,
        order_date,
        sum(margin) as margin
    from lines
    group by customer_id, category, order_date

),

-- a category is new to a customer on the day of its first line; the categories of the first day are no cross-sales
categories as (

    select
        customer_id,
        category,
        min(order_date) as began_on
    from bought
    group by customer_id, category

),

firsts as (

    select
        customer_id,
        cast(count(*) as integer) as category_count,
        min(began_on) as came_on
    from categories
    group by customer_id

),

cross_sales as (

    select
        bought.customer_id,
        sum(cast({{ discounted_value(
            'bought.margin', dbt.datediff('customers.first_order_date', 'bought.order_date', 'day'),
            var('annual_discount_rate')
        ) }} as numeric(28, 8))) as cross_sell_value
    from bought
    inner join categories
        on
            bought.customer_id = categories.customer_id
            and bought.category = categories.category
            and bought.order_date = categories.began_on
    inner join firsts on bought.customer_id = firsts.customer_id and bought.order_date > firsts.came_on
    inner join customers on bought.customer_id = customers.customer_id
    group by bought.customer_id

)

select
    firsts.customer_id,
    firsts.category_count,
    cast(coalesce(cross_sales.cross_sell_value, 0) as numeric(18, 2)) as cross_sell_value
from firsts
left join cross_sales on firsts.customer_id = cross_sales.customer_id
