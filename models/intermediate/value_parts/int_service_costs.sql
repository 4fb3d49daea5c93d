with as_of_dates as (

    select max(as_of_date) as as_of_date from {{ ref('int_as_of_dates') }}

),

survivors as (

    select * from {{ ref('stg_customer_survivors') }}

),

customers as (

    select * from {{ ref('int_customers') }}

),

contacts as (

    select
        customer_id,
        cast(sent_at as date) as happened_on,
        cost_amount
    from {{ ref('stg_marketing_touches') }}
    where reject_reasons = ''
    union all
    select
        customer_id,
        cast(opened_at as date) as happened_on,
        cost_amount
    from {{ ref('stg_support_tickets') }}
    where reject_reasons = ''

),

-- contacts of the surviving customer, if that customer has ordered
known as (

    select
        customers.customer_id,
        customers.first_order_date,
        contacts.happened_on,
        contacts.cost_amount
    from contacts
    inner join as_of_dates on contacts.happened_on <= as_of_dates.as_of_date
    left join survivors on contacts.customer_id = survivors.customer_id
    inner join customers
        on
            coalesce(survivors.survivor_customer_id, contacts.customer_id) = customers.customer_id
            and as_of_dates.as_of_date >= customers.first_order_date

)

-- the cost of a contact before the first order is compounded to it
select
    customer_id,
    cast(count(*) as integer) as contact_count,
    cast(coalesce(sum(cast({{ discounted_value(
        'cost_amount', dbt.datediff('first_order_date', 'happened_on', 'day'), var('annual_discount_rate')
    ) }} as numeric(28, 8))), 0) as numeric(18, 2)) as cost_to_serve
from known
group by customer_id
