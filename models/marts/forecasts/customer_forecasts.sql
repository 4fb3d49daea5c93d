{{ config(
    materialized='incremental', incremental_strategy='append',
    pre_hook='{{ drop_outdated_slices(latest_only=true) }}'
) }}
with forecasts as (

    select * from {{ ref('int_clv_forecasts') }}
    {{ evaluated_once() }}

),

-- the range is discounted in the same proportion as expected purchases; null where the last window is repeated
ranged as (

    select
        {% for side in ['low', 'high'] -%}
        case
            when not is_repeated then spend_{{ side }} * alive_discounted / nullif(alive_purchases, 0)
        end as discounted_spend_{{ side }},
        {% endfor -%}
        *
    from {{ with_spend_range('forecasts', var('clv_interval')) }} as ranges
    {{ evaluated_once() }}

)

select
    as_of_date,
    customer_id,
    cast(horizon_months as integer) as horizon_months,

    -- the forecast
    expected_purchases,
    cast(expected_purchases * expected_spend as numeric(18, 2)) as expected_net_revenue,
    {{ residual_value('discounted_purchases') }} as residual_value,

    -- its range and rule
    {% for side in ['low', 'high'] -%}
    {{ margin_of_range(side, 'discounted_spend_low', 'discounted_spend_high', 'population_margin_rate') }}
        as residual_value_{{ side }},
    {% endfor -%}
    population_margin_rate as margin_rate,
    cast(
        case when is_repeated then 'last window repeated: var clv_method' else clv_state end as {{ dbt.type_string() }}
    ) as clv_state,
    spend_state,
    {{ own_slice_version() }} as slice_version
from ranged
where {{ is_missing_slice() }}
