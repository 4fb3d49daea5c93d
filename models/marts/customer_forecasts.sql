{{ config(
    materialized='incremental', incremental_strategy='append',
    pre_hook='{{ drop_outdated_slices(latest_only=true) }}'
) }}
{%- set horizons = clv_horizons(var('clv_horizons_months')) -%}
{%- set at_horizons = {} -%}
{%- for measure in ['expected_purchases_{}m', 'discounted_purchases_{}m', 'discounted_spend_{}m_low',
    'discounted_spend_{}m_high'] -%}
{%- set cases = [] -%}
{%- for horizon in horizons -%}
{%- do cases.append('when ' ~ horizon ~ ' then scores.' ~ measure.format(horizon)) -%}
{%- endfor -%}
{%- do at_horizons.update({measure: 'case horizons.horizon_months ' ~ cases | join(' ') ~ ' end'}) -%}
{%- endfor %}

with scores as (

    select * from {{ ref('int_clv_scores') }}
    where
        order_count > 0
        and as_of_date = (select max(latest.as_of_date) from {{ ref('int_slices') }} as latest)
    {{ evaluated_once() }}

),

horizons as (

    {% for horizon in horizons -%}
    select {{ horizon }} as horizon_months
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    scores.as_of_date,
    scores.customer_id,
    cast(horizons.horizon_months as integer) as horizon_months,

    -- what is to come
    {{ at_horizons['expected_purchases_{}m'] }} as expected_purchases,
    cast(
        {{ at_horizons['expected_purchases_{}m'] }} * scores.expected_spend as numeric(18, 2)
    ) as expected_net_revenue,
    cast(
        {{ at_horizons['discounted_purchases_{}m'] }} * scores.expected_spend * scores.population_margin_rate
        as numeric(18, 2)
    ) as residual_value,

    -- how far to trust it
    cast(
        {{ at_horizons['discounted_spend_{}m_low'] }} * scores.population_margin_rate as numeric(18, 2)
    ) as residual_value_low,
    cast(
        {{ at_horizons['discounted_spend_{}m_high'] }} * scores.population_margin_rate as numeric(18, 2)
    ) as residual_value_high,
    scores.clv_state,
    scores.spend_state,
    scores.slice_version
from scores
cross join horizons
where {{ is_missing_slice('scores.as_of_date') }}
