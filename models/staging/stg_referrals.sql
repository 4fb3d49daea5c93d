{%- set columns = ['referral_id', 'referrer_customer_id', 'referred_customer_id', 'referred_at'] -%}
with source as (

    select * from {{ raw_copies(
        'referrals', columns, text_of('raw_referral_id'), parsed_timestamp('raw_referred_at')
    ) }} as copies

),

links as (

    select * from {{ ref('stg_referral_links') }}

),

circles as (

    select * from {{ ref('stg_referral_circles') }}

),

typed as (

    select
        *,
        row_key as referral_id,
        {{ text_of('raw_referrer_customer_id') }} as referrer_customer_id,
        {{ text_of('raw_referred_customer_id') }} as referred_customer_id,
        {{ parsed_timestamp('raw_referred_at') }} as referred_at
    from source
    {{ evaluated_once() }}

),

known as (

    select
        typed.*,
        links.referral_id as first_referral_id,
        circles.referred_customer_id is not null as is_circle
    from {{ with_surroundings('typed', customers=['referrer_customer_id', 'referred_customer_id']) }} as typed
    left join links on typed.referred_customer_id = links.referred_customer_id
    left join circles on links.referred_customer_id = circles.referred_customer_id

),

judged_alone as (

    select
        *,
        {{ reject_reasons({
            'missing_key': 'referral_id is null',
            'missing_value': missing(['referrer_customer_id', 'referred_customer_id', 'referred_at']),
            'superseded': 'copy_number > 1',
            'unparseable_date': unparsed(['referred_at']),
            'future_date': 'cast(referred_at as date) > ends_on',
            'before_business_began': 'cast(referred_at as date) < starts_on',
            'self_referral': 'referrer_customer_id = referred_customer_id',
            'test_customer': 'is_test',
        }) }} as own_reasons
    from known

),

judged as (

    select
        *,
        case
            when own_reasons <> '' then own_reasons
            when referral_id <> first_referral_id then 'already_referred'
            when is_circle then 'referral_loop'
            else ''
        end as reject_reasons
    from judged_alone
    {{ evaluated_once() }}

)

select
    referral_id,
    referrer_customer_id,
    referred_customer_id,
    referred_at,
    case when reject_reasons <> '' then row_key end as row_key,
    reject_reasons,
    case when reject_reasons <> '' then {{ json_of_row(columns) }} end as raw_row
from judged
