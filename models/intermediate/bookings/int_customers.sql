with orders as (

    select * from {{ ref('int_orders') }}

),

credit_notes as (

    select * from {{ ref('int_credit_notes') }}

),

customers as (

    select * from {{ ref('stg_customers') }}
    where reject_reasons = ''

),

survivors as (

    select * from {{ ref('stg_customer_survivors') }}

),

-- An order that is no sale makes a customer known, too; so does a credit note, unless it names an order and so is its
-- refund.
known_by_order as (

    select
        orders.customer_id,
        min(orders.order_date) as known_on,
        min(case when orders.is_purchase then orders.order_date end) as first_order_date
    from orders
    left join credit_notes on orders.order_id = credit_notes.order_id
    where credit_notes.credited_order_id is null
    group by orders.customer_id

),

-- records of merged customers count for the survivor; a record without a date makes the customer known from the start
known_by_record as (

    select
        coalesce(survivors.survivor_customer_id, customers.customer_id) as customer_id,
        cast(count(*) as integer) as record_count,
        cast(sum(customers.acquisition_cost) as numeric(18, 2)) as acquisition_cost,
        case when count(customers.created_at) = count(*) then min(cast(customers.created_at as date)) end as known_on
    from customers
    left join survivors on customers.customer_id = survivors.customer_id
    group by coalesce(survivors.survivor_customer_id, customers.customer_id)

)

select
    coalesce(known_by_order.customer_id, known_by_record.customer_id) as customer_id,
    -- an undated record is known from the start, whether or not an order follows: later orders must not change the past
    case
        when known_by_order.customer_id is null then known_by_record.known_on
        when known_by_record.customer_id is null then known_by_order.known_on
        when known_by_order.known_on < known_by_record.known_on then known_by_order.known_on
        else known_by_record.known_on
    end as known_on,
    known_by_order.first_order_date,
    coalesce(known_by_record.record_count, 0) as record_count,
    known_by_record.acquisition_cost
from known_by_order
full outer join known_by_record on known_by_order.customer_id = known_by_record.customer_id
