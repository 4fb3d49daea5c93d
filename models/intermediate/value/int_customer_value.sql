{{ config(materialized='view') }} -- written down once, in customer_value_history
{%- set patience = var('demotion_patience') %}
{%- set before = ['opening_raw_tier'] %}
{%- for back in range(2, patience + 1) %}{% do before.append('back_' ~ back ~ '_raw_tier') %}{% endfor %}
with customers as (

    select
        *,
        -- margin of the purchases to come, discounted to T
        {% for horizon in clv_horizons() -%}
        {{ residual_value('discounted_purchases_' ~ horizon ~ 'm') }} as residual_value_{{ horizon }}m,
        {% endfor -%}
        {% for side in ['low', 'high'] -%}
        {{ margin_of_range(
            side, 'discounted_spend_36m_low', 'discounted_spend_36m_high', 'population_margin_rate'
        ) }} as residual_value_36m_{{ side }},
        {% endfor -%}
        {{ residual_value('alive_discounted_36m') }} as residual_value_if_alive,
        cast(coalesce(acquisition_cost, 0) as numeric(18, 2)) as acquisition_cost_or_none
    from {{ ref('int_order_chances') }}
    {{ evaluated_once() }}

)

-- The published tier rises at once, and falls only after var demotion_patience month-ends in a row with a lower raw
-- tier: it is the best of them. A date within a month is no month-end, so it can raise a tier but never lower it. A
-- null tier does not count. Spark's least needs at least two values, so with a patience of one the same value is given
-- twice.
select
    as_of_date,
    customer_id,
    case
        when is_month_end then least({{ (['raw_tier'] + (before[:-1] or ['raw_tier'])) | join(', ') }})
        else least({{ (['raw_tier'] + before) | join(', ') }})
    end as tier,
    raw_tier,
    abc_tier,
    rfm_segment,
    recency_score,
    frequency_score,
    monetary_score,
    lifecycle_stage,
    recency_days,
    frequency,
    monetary,
    first_order_date,
    last_order_date,
    order_count,
    net_revenue,
    margin,
    realised_value,
    p_alive,
    {% for horizon in clv_horizons() -%}
    expected_purchases_{{ horizon }}m,
    residual_value_{{ horizon }}m,
    {% endfor -%}
    cast(realised_value + residual_value_36m - acquisition_cost_or_none as numeric(18, 2)) as lifetime_value,
    overdue_ratio,
    cast(residual_value_if_alive * (1 - p_alive) as numeric(18, 2)) as revenue_at_risk,
    acquisition_cost,
    {% for side in ['low', 'high'] -%}
    cast(
        realised_value + residual_value_36m_{{ side }} - acquisition_cost_or_none as numeric(18, 2)
    ) as lifetime_value_{{ side }},
    {% endfor -%}
    expected_spend,
    expected_next_order_date,
    clv_state,
    spend_state,
    expected_gap_days,
    previous_monetary,
    window_margin,
    purchase_days,
    margin_is_estimated,
    last_activity_date,
    coalesce(
        opening_lifecycle_stage = 'churned'
        and lifecycle_stage <> 'churned'
        and order_count > opening_order_count,
        false
    ) as is_reactivated,
    least({{ (before + before[:1]) | join(', ') }}) as opening_tier,
    opening_raw_tier,
    opening_rfm_segment,
    opening_lifecycle_stage,
    opening_net_revenue,
    opening_monetary,
    slice_version,
    {% for horizon in [3, 6, 12] -%}
    p_order_{{ horizon }}m,
    {% endfor -%}
    p_order_state,
    churn_risk
from customers
