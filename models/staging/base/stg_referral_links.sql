{%- set columns = ['referral_id', 'referrer_customer_id', 'referred_customer_id', 'referred_at'] -%}
with source as (

    select * from {{ raw_copies(
        'referrals', columns, text_of('raw_referral_id'), parsed_timestamp('raw_referred_at')
    ) }} as copies

),

test_customers as (

    select * from {{ ref('stg_test_customers') }}

),

trading_period as (

    select * from {{ ref('stg_trading_period') }}

),

typed as (

    select
        row_key as referral_id,
        {{ text_of('raw_referrer_customer_id') }} as referrer_customer_id,
        {{ text_of('raw_referred_customer_id') }} as referred_customer_id,
        {{ parsed_timestamp('raw_referred_at') }} as referred_at
    from source
    where copy_number = 1

),

-- referrals that have no other reason for rejection in stg_referrals
candidates as (

    select
        typed.*,
        row_number() over (
            partition by typed.referred_customer_id order by typed.referred_at, typed.referral_id
        ) as referral_number
    from typed
    left join test_customers as test_referrers on typed.referrer_customer_id = test_referrers.customer_id
    left join test_customers as test_referred on typed.referred_customer_id = test_referred.customer_id
    cross join trading_period
    where
        typed.referral_id is not null
        and typed.referrer_customer_id <> typed.referred_customer_id
        and cast(typed.referred_at as date) >= trading_period.starts_on
        and cast(typed.referred_at as date) <= coalesce(trading_period.ends_on, cast('9999-12-31' as date))
        and test_referrers.customer_id is null
        and test_referred.customer_id is null

)

select
    referral_id,
    referrer_customer_id,
    referred_customer_id
from candidates
where referral_number = 1
