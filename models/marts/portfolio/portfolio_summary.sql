{{ config(materialized='incremental', incremental_strategy='append', pre_hook='{{ drop_outdated_slices() }}') }}

with history as (

    select * from {{ ref('customer_value_history') }}
    where {{ is_missing_slice() }}

),

slices as (

    select * from {{ ref('int_slices') }}

),

totals as (

    select
        as_of_date,
        slice_version,

        -- customers
        count(*) as known_customers,
        sum(case when order_count > 0 then 1 else 0 end) as customers,
        sum(case when lifecycle_stage in ('prospect', 'churned') then 0 else 1 end) as active_customers,
        sum(case when frequency > 0 then 1 else 0 end) as window_customers,
        sum(case when order_count > 1 then 1 else 0 end) as repeat_customers,
        sum(case when tier = 'A' then 1 else 0 end) as tier_a_customers,

        -- the window
        sum(frequency) as window_orders,
        sum(monetary) as monetary,
        sum(window_margin) as window_margin,

        -- to date
        sum(order_count) as orders,
        sum(net_revenue) as net_revenue,
        sum(case when tier = 'A' then net_revenue else 0 end) as tier_a_net_revenue,
        sum(margin) as margin,
        sum(realised_value) as realised_value,

        -- to come; the sums are null where no customer has a forecast
        sum(residual_value_12m) as residual_value_12m,
        sum(residual_value_36m) as residual_value_36m,
        sum(lifetime_value) as lifetime_value,
        sum(revenue_at_risk) as revenue_at_risk
    from history
    group by as_of_date, slice_version

)

select
    totals.as_of_date,
    slices.opening_date,
    cast(totals.known_customers as integer) as known_customers,
    cast(totals.customers as integer) as customers,
    cast(totals.active_customers as integer) as active_customers,
    cast(totals.window_customers as integer) as window_customers,
    cast(totals.repeat_customers as integer) as repeat_customers,
    cast(totals.repeat_customers as {{ type_double() }}) / nullif(totals.customers, 0) as repeat_rate,
    cast(totals.tier_a_customers as integer) as tier_a_customers,
    cast(totals.tier_a_customers as {{ type_double() }}) / nullif(totals.customers, 0) as tier_a_customer_share,
    cast(totals.window_orders as {{ dbt.type_bigint() }}) as window_orders,
    cast(totals.monetary as numeric(18, 2)) as monetary,
    cast(
        case when totals.window_orders > 0 then {{ mean_amount('totals.monetary', 'totals.window_orders') }} end
        as numeric(18, 2)
    ) as average_order_value,
    cast(totals.window_margin as numeric(18, 2)) as window_margin,
    cast(totals.orders as {{ dbt.type_bigint() }}) as orders,
    cast(totals.net_revenue as numeric(18, 2)) as net_revenue,
    cast(totals.tier_a_net_revenue as {{ type_double() }})
    / nullif(cast(totals.net_revenue as {{ type_double() }}), 0) as tier_a_net_revenue_share,
    cast(totals.margin as numeric(18, 2)) as margin,
    cast(totals.realised_value as numeric(18, 2)) as realised_value,
    cast(totals.residual_value_12m as numeric(18, 2)) as residual_value_12m,
    cast(totals.residual_value_36m as numeric(18, 2)) as residual_value_36m,
    cast(totals.lifetime_value as numeric(18, 2)) as lifetime_value,
    cast(totals.revenue_at_risk as numeric(18, 2)) as revenue_at_risk,
    {{ own_slice_version('totals.slice_version') }} as slice_version
from totals
inner join slices on totals.as_of_date = slices.as_of_date
