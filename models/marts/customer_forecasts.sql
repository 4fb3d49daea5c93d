{{ config(
    materialized='incremental', incremental_strategy='append',
    pre_hook='{{ drop_outdated_slices(latest_only=true) }}'
) }}
-- depends_on: {{ ref('int_slices') }}
with forecasts as (

    select * from {{ ref('int_clv_forecasts') }}
    {{ evaluated_once() }}

),

-- as in int_clv_scores; of who is still a customer
ranged as (

    select
        {% for side, share in clv_interval_shares(var('clv_interval')).items() -%}
        {{ share_of_buyers(share, 'p_alive * (1 - alive_p_no_purchase)') }} as share_{{ side }},
        {% endfor -%}
        {{ gamma_gamma_squared_spend(
            'purchase_days', 'expected_spend', 'alive_purchases', 'alive_factorial_moment', 'spend_p', 'spend_q'
        ) }} as alive_squared_spend,
        *
    from forecasts

),

quantiles as (

    select
        {% for side in ['low', 'high'] -%}
        case when not is_repeated then {{ spend_quantile(
            'share_' ~ side, 'alive_p_no_purchase', '(alive_purchases * expected_spend)', 'alive_squared_spend'
        ) }} * alive_discounted / nullif(alive_purchases, 0) end as spend_{{ side }},
        {% endfor -%}
        *
    from ranged
    {{ evaluated_once() }}

)

select
    as_of_date,
    customer_id,
    cast(horizon_months as integer) as horizon_months,

    -- what is to come
    expected_purchases,
    cast(expected_purchases * expected_spend as numeric(18, 2)) as expected_net_revenue,
    {{ residual_value('discounted_purchases') }} as residual_value,

    -- how far to trust it: who spends least is the worst of them, unless sales on the whole are a loss
    {% for side in ['low', 'high'] -%}
    cast(
        case
            when population_margin_rate >= 0 then spend_{{ side }}
            else spend_{{ 'high' if side == 'low' else 'low' }}
        end * population_margin_rate as numeric(18, 2)
    ) as residual_value_{{ side }},
    {% endfor -%}
    population_margin_rate as margin_rate,
    cast(
        case when is_repeated then 'last window repeated: var clv_method' else clv_state end as {{ dbt.type_string() }}
    ) as clv_state,
    spend_state,
    slice_version
from quantiles
where {{ is_missing_slice() }}
