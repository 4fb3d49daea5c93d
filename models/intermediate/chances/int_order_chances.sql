{{ config(materialized='view') }} -- written down once, in customer_value_history

with positions as (

    select * from {{ ref('int_order_chance_positions') }}
    {{ evaluated_once() }}

),

curves as (

    select * from {{ ref('int_order_chance_curves') }}

),

chances as (

    select
        {% for horizon in [3, 6, 12] -%}
        {%- set on_curve = chance_on_curve('positions.position_' ~ horizon ~ 'm', 'curves_' ~ horizon ~ 'm') %}
        case
            when positions.order_count = 0 then cast(null as {{ type_double() }})
            when positions.method_{{ horizon }}m = 'raw' then positions.raw_{{ horizon }}m
            -- without an overdue ratio, or without such past customers, only the base rate is known
            when positions.method_{{ horizon }}m = 'overdue_ratio'
                then coalesce({{ on_curve }}, positions.base_rate_{{ horizon }}m)
            else {{ on_curve }}
        end as chance_{{ horizon }}m,
        {% endfor -%}
        positions.*
    from positions
    {% for horizon in [3, 6, 12] -%}
    left join curves as curves_{{ horizon }}m
        on
            positions.as_of_date = curves_{{ horizon }}m.as_of_date
            and positions.bin_{{ horizon }}m = curves_{{ horizon }}m.bin
            and curves_{{ horizon }}m.horizon_months = {{ horizon }}
            and curves_{{ horizon }}m.curve = case positions.method_{{ horizon }}m
                when 'overdue_ratio' then 'overdue_ratio' else 'model'
            end
    {% endfor -%}
    {{ evaluated_once() }}

),

-- an order within three months is also an order within six
ordered as (

    select
        chance_3m as p_order_3m,
        case when chance_6m is not null then greatest(coalesce(chance_3m, 0), chance_6m) end as p_order_6m,
        case
            when chance_12m is not null then greatest(coalesce(chance_3m, 0), coalesce(chance_6m, 0), chance_12m)
        end as p_order_12m,
        1 - least(1, chance_3m / nullif(in_rhythm_rate, 0)) as risk,
        *
    from chances

)

select
    case
        when order_count = 0 then 'no order yet' else rules_state
    end as p_order_state,
    case
        when p_order_3m is null or in_rhythm_rate is null or in_rhythm_rate = 0 then null
        when risk >= {{ var('churn_risk_high') }} then 'high'
        when risk >= {{ var('churn_risk_medium') }} then 'medium'
        else 'low'
    end as churn_risk,
    *
from ordered
