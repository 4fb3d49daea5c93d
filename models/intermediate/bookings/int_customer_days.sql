with ledger as (

    select * from {{ ref('int_ledger') }}

),

customers as (

    select * from {{ ref('int_customers') }}

),

-- Orders of a customer on one day are one purchase. Bookings of one day enter every slice together.
days as (

    select
        customer_id,
        order_date,
        booked_on,
        cast(sum(case when entry_type = 'sale' then 1 else 0 end) as integer) as order_count,
        cast(sum(net_revenue) as numeric(18, 2)) as net_revenue,
        -- a credit note that names no sale belongs to no purchase
        cast(
            sum(case when entry_type = 'credit_note' then 0 else net_revenue end) as numeric(18, 2)
        ) as net_revenue_of_sales,
        cast(sum(margin) as numeric(18, 2)) as margin,
        max(case when margin_is_estimated then 1 else 0 end) = 1 as margin_is_estimated
    from ledger
    group by customer_id, order_date, booked_on

)

select
    days.customer_id,
    days.order_date,
    days.booked_on,
    days.order_count,
    days.net_revenue,
    cast(
        case when days.order_date = customers.first_order_date then 0 else days.net_revenue_of_sales end
        as numeric(18, 2)
    ) as repeat_net_revenue,
    days.margin,
    -- Bookings before the first order are not discounted. A decimal, so that the sum does not depend on the order of
    -- the rows.
    cast({{ discounted_value(
        'days.margin',
        'case when days.booked_on > customers.first_order_date then '
        ~ dbt.datediff('customers.first_order_date', 'days.booked_on', 'day') ~ ' else 0 end',
        var('annual_discount_rate')
    ) }} as numeric(28, 8)) as discounted_margin,
    days.margin_is_estimated
from days
inner join customers on days.customer_id = customers.customer_id
