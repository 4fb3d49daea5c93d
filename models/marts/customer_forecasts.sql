{{ config(
    materialized='incremental', incremental_strategy='append',
    pre_hook='{{ drop_outdated_slices(latest_only=true) }}'
) }}
{%- set horizons = clv_horizons(var('clv_horizons_months')) %}
{%- set measures = [
    'expected_purchases', 'discounted_purchases', 'alive_purchases', 'alive_discounted', 'alive_p_no_purchase',
    'alive_factorial_moment',
] %}

with scores as (

    select * from {{ ref('int_clv_scores') }}
    where
        order_count > 0
        and as_of_date = (select max(latest.as_of_date) from {{ ref('int_slices') }} as latest)
    {{ evaluated_once() }}

),

methods as (

    select method from {{ ref('int_clv_method') }} -- noqa: RF04

),

horizons as (

    {% for horizon in horizons -%}
    select
        {{ horizon }} as horizon_months,
        {{ months_worth(horizon, var('annual_discount_rate')) }} as months_worth
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

by_horizon as (

    select
        scores.as_of_date,
        scores.customer_id,
        horizons.horizon_months,
        scores.p_alive,
        scores.purchase_days,
        scores.modelled_spend,
        scores.expected_spend,
        scores.spend_p,
        scores.spend_q,
        scores.population_margin_rate,
        scores.repeated_per_month,
        horizons.months_worth,
        methods.method = 'last_window' and scores.fitted_as_of is not null as is_repeated,
        {% for measure in measures -%}
        case horizons.horizon_months
            {% for horizon in horizons -%}
            when {{ horizon }} then scores.{{ measure }}_{{ horizon }}m
            {% endfor -%}
        end as {{ measure }},
        {% endfor -%}
        scores.clv_state,
        scores.spend_state,
        scores.slice_version
    from scores
    cross join horizons
    cross join methods

),

-- as in int_clv_scores
ranged as (

    select
        case when is_repeated then repeated_per_month * horizon_months else expected_purchases end as purchases,
        case when is_repeated then repeated_per_month * months_worth else discounted_purchases end as worth,
        case
            when modelled_spend is null
                then expected_spend * expected_spend * (alive_factorial_moment + alive_purchases)
            else {{ gamma_gamma_squared_spend(
                'purchase_days', 'expected_spend', 'alive_purchases', 'alive_factorial_moment', 'spend_p', 'spend_q'
            ) }}
        end as alive_squared_spend,
        {% for side, share in clv_interval_shares(var('clv_interval')).items() -%}
        {{ share_of_buyers(share, 'p_alive * (1 - alive_p_no_purchase)') }} as share_{{ side }},
        {% endfor -%}
        *
    from by_horizon

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
    purchases as expected_purchases,
    cast(purchases * expected_spend as numeric(18, 2)) as expected_net_revenue,
    cast(worth * expected_spend * population_margin_rate as numeric(18, 2)) as residual_value,

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
