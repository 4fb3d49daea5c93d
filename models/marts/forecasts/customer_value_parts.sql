with customer_value as (

    select * from {{ ref('customer_value') }}
    where order_count > 0

),

cross_sales as (

    select * from {{ ref('int_cross_sales') }}

),

service_costs as (

    select * from {{ ref('int_service_costs') }}

),

referral_values as (

    select * from {{ ref('int_referral_values') }}

),

-- a part without a source is null; a part with a source but without a row for the customer is 0
parts as (

    select
        customer_value.*,
        cross_sales.category_count,
        cross_sales.cross_sell_value,
        {% if var('has_marketing_touches') or var('has_support_tickets') -%}
        coalesce(service_costs.contact_count, 0) as contact_count,
        coalesce(service_costs.cost_to_serve, 0) as cost_to_serve,
        {%- else -%}
        cast(null as integer) as contact_count,
        cast(null as numeric(18, 2)) as cost_to_serve,
        {%- endif %}
        {% if var('has_referrals') -%}
        coalesce(referral_values.referred_count, 0) as referred_count,
        case
            when referral_values.customer_id is null then cast(0 as numeric(18, 2)) else referral_values.referral_value
        end as referral_value
        {%- else -%}
        cast(null as integer) as referred_count,
        cast(null as numeric(18, 2)) as referral_value
        {%- endif %}
    from customer_value
    left join cross_sales on customer_value.customer_id = cross_sales.customer_id
    left join service_costs on customer_value.customer_id = service_costs.customer_id
    left join referral_values on customer_value.customer_id = referral_values.customer_id

)

select
    as_of_date,
    customer_id,

    -- realised
    cast(realised_value - coalesce(cross_sell_value, 0) as numeric(18, 2)) as base_margin_value,
    cast(cross_sell_value as numeric(18, 2)) as cross_sell_value,

    -- to come
    residual_value_36m,

    -- costs, and the saving by referrals
    acquisition_cost,
    cast(cost_to_serve as numeric(18, 2)) as cost_to_serve,
    cast(referral_value as numeric(18, 2)) as referral_value,

    -- totals
    lifetime_value,
    cast(
        lifetime_value - coalesce(cost_to_serve, 0) + coalesce(referral_value, 0) as numeric(18, 2)
    ) as net_lifetime_value,

    -- counts
    category_count,
    contact_count,
    referred_count
from parts
