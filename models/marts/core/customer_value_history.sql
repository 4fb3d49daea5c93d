{{ config(materialized='incremental', incremental_strategy='append', pre_hook='{{ drop_outdated_slices() }}') }}
-- depends_on: {{ ref('restatements') }}

with customer_value as (

    select * from {{ ref('int_customer_value') }}

)

select
    as_of_date,
    customer_id,

    -- labels
    cast(tier as {{ dbt.type_string() }}) as tier,
    cast(raw_tier as {{ dbt.type_string() }}) as raw_tier,
    cast(abc_tier as {{ dbt.type_string() }}) as abc_tier,
    cast(rfm_segment as {{ dbt.type_string() }}) as rfm_segment,
    recency_score,
    frequency_score,
    monetary_score,
    cast(lifecycle_stage as {{ dbt.type_string() }}) as lifecycle_stage,

    -- measures of the window
    recency_days,
    frequency,
    cast(monetary as numeric(18, 2)) as monetary,

    -- totals to date
    first_order_date,
    last_order_date,
    order_count,
    cast(net_revenue as numeric(18, 2)) as net_revenue,
    cast(margin as numeric(18, 2)) as margin,
    cast(realised_value as numeric(18, 2)) as realised_value,

    -- value to come
    p_alive,
    expected_purchases_12m,
    cast(residual_value_12m as numeric(18, 2)) as residual_value_12m,
    cast(residual_value_36m as numeric(18, 2)) as residual_value_36m,
    cast(lifetime_value as numeric(18, 2)) as lifetime_value,

    -- evidence
    overdue_ratio,
    cast(revenue_at_risk as numeric(18, 2)) as revenue_at_risk,
    cast(acquisition_cost as numeric(18, 2)) as acquisition_cost,
    cast(lifetime_value_low as numeric(18, 2)) as lifetime_value_low,
    cast(lifetime_value_high as numeric(18, 2)) as lifetime_value_high,
    expected_spend,
    expected_next_order_date,
    {% for horizon in [3, 6, 24, 36] -%}
    expected_purchases_{{ horizon }}m,
    {% endfor -%}
    {% for horizon in [3, 6, 24] -%}
    cast(residual_value_{{ horizon }}m as numeric(18, 2)) as residual_value_{{ horizon }}m,
    {% endfor -%}
    cast(clv_state as {{ dbt.type_string() }}) as clv_state,
    cast(spend_state as {{ dbt.type_string() }}) as spend_state,
    expected_gap_days,
    cast(previous_monetary as numeric(18, 2)) as previous_monetary,
    cast(window_margin as numeric(18, 2)) as window_margin,
    purchase_days,
    margin_is_estimated,
    last_activity_date,
    is_reactivated,

    -- as of the month-end before
    cast(opening_tier as {{ dbt.type_string() }}) as opening_tier,
    cast(opening_raw_tier as {{ dbt.type_string() }}) as opening_raw_tier,
    cast(opening_rfm_segment as {{ dbt.type_string() }}) as opening_rfm_segment,
    cast(opening_lifecycle_stage as {{ dbt.type_string() }}) as opening_lifecycle_stage,
    cast(opening_net_revenue as numeric(18, 2)) as opening_net_revenue,
    cast(opening_monetary as numeric(18, 2)) as opening_monetary,

    slice_version,

    -- the chance of an order
    {% for horizon in [3, 6, 12] -%}
    p_order_{{ horizon }}m,
    {% endfor -%}
    cast(p_order_state as {{ dbt.type_string() }}) as p_order_state,
    cast(churn_risk as {{ dbt.type_string() }}) as churn_risk
from customer_value
where {{ is_missing_slice() }}
