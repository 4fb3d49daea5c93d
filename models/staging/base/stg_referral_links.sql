{%- set columns = ['referral_id', 'referrer_customer_id', 'referred_customer_id', 'referred_at'] -%}
with source as (

    select * from {{ raw_copies(
        'referrals', columns, text_of('raw_referral_id'), parsed_timestamp('raw_referred_at')
    ) }} as copies

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
        *,
        row_number() over (partition by referred_customer_id order by referred_at, referral_id) as referral_number
    from {{ with_surroundings('typed', customers=['referrer_customer_id', 'referred_customer_id']) }} as known_rows
    where
        referral_id is not null
        and referrer_customer_id <> referred_customer_id
        and cast(referred_at as date) >= starts_on
        and cast(referred_at as date) <= coalesce(ends_on, cast('9999-12-31' as date))
        and not is_test

)

select
    referral_id,
    referrer_customer_id,
    referred_customer_id
from candidates
where referral_number = 1
