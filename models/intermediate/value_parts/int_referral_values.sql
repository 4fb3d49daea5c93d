with as_of_dates as (

    select max(as_of_date) as as_of_date from {{ ref('int_as_of_dates') }}

),

survivors as (

    select * from {{ ref('stg_customer_survivors') }}

),

customers as (

    select customers.*
    from {{ ref('int_customers') }} as customers
    inner join as_of_dates on customers.first_order_date <= as_of_dates.as_of_date

),

resolved as (

    select
        referrals.referral_id,
        referrals.referred_at,
        coalesce(referrers.survivor_customer_id, referrals.referrer_customer_id) as referrer_customer_id,
        coalesce(referred.survivor_customer_id, referrals.referred_customer_id) as referred_customer_id
    from {{ ref('stg_referrals') }} as referrals
    left join survivors as referrers on referrals.referrer_customer_id = referrers.customer_id
    left join survivors as referred on referrals.referred_customer_id = referred.customer_id
    where referrals.reject_reasons = ''

),

-- A referral between records of one merged customer does not count; nor does a referral after the day of the first
-- order.
referrals as (

    select
        resolved.referrer_customer_id,
        resolved.referred_customer_id,
        row_number() over (
            partition by resolved.referred_customer_id order by resolved.referred_at asc, resolved.referral_id asc
        ) as referral_number
    from resolved
    inner join customers
        on
            resolved.referred_customer_id = customers.customer_id
            and cast(resolved.referred_at as date) <= customers.first_order_date
    where resolved.referrer_customer_id <> resolved.referred_customer_id

),

-- mean acquisition cost of customers without a referral; null where no cost is known
winning as (

    select
        cast(sum(customers.acquisition_cost) as {{ type_double() }})
        / nullif(count(customers.acquisition_cost), 0) as mean_acquisition_cost
    from customers
    left join referrals on customers.customer_id = referrals.referred_customer_id
    where referrals.referred_customer_id is null

),

saved as (

    select
        referrers.customer_id,
        {{ discounted_value(
            'winning.mean_acquisition_cost',
            dbt.datediff('referrers.first_order_date', 'referred.first_order_date', 'day'), var('annual_discount_rate')
        ) }} as acquisition_cost_saved
    from referrals
    inner join customers as referrers on referrals.referrer_customer_id = referrers.customer_id
    inner join customers as referred on referrals.referred_customer_id = referred.customer_id
    cross join winning
    where referrals.referral_number = 1

)

select
    customer_id,
    cast(count(*) as integer) as referred_count,
    cast(sum(cast(acquisition_cost_saved as numeric(28, 8))) as numeric(18, 2)) as referral_value
from saved
group by customer_id
