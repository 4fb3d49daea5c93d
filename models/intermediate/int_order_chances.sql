{{ config(materialized='view') }} -- written down once, in customer_value_history
{%- set by_forecast = var('abc_value') == 'lifetime_value' %}

with customers as (

    select * from {{ ref('int_earlier_raw_tiers' if by_forecast else 'int_clv_scores') }}
    {{ evaluated_once() }}

),

rules as (

    select * from {{ ref('int_order_chance_rules') }}

),

curves as (

    select * from {{ ref('int_order_chance_curves') }}

),

-- where on which curve a customer is; the model's own word needs none
placed as (

    select
        customers.*,
        {% for horizon in [3, 6, 12] -%}
        customers.p_alive * (1 - customers.alive_p_no_purchase_{{ horizon }}m) as raw_{{ horizon }}m,
        rules.method_{{ horizon }}m,
        rules.base_rate_{{ horizon }}m,
        {% endfor -%}
        1 / (1 + customers.overdue_ratio) as overdue_ratio_position,
        {{ overdue_bin('customers.overdue_ratio') }} as overdue_ratio_bin,
        rules.in_rhythm_rate,
        rules.p_order_state as rules_state
    from customers
    inner join rules on customers.as_of_date = rules.as_of_date
    {{ evaluated_once() }}

),

binned as (

    select
        {% for horizon in [3, 6, 12] -%}
        case method_{{ horizon }}m
            when 'recalibrated' then {{ chance_bin('raw_' ~ horizon ~ 'm') }}
            when 'overdue_ratio' then overdue_ratio_bin
        end as bin_{{ horizon }}m,
        case method_{{ horizon }}m
            when 'overdue_ratio' then overdue_ratio_position else raw_{{ horizon }}m
        end as position_{{ horizon }}m,
        {% endfor -%}
        *
    from placed
    {{ evaluated_once() }}

),

chances as (

    select
        {% for horizon in [3, 6, 12] -%}
        {%- set on_curve = chance_on_curve('binned.position_' ~ horizon ~ 'm', 'curves_' ~ horizon ~ 'm') %}
        case
            when binned.order_count = 0 then cast(null as {{ type_double() }})
            when binned.method_{{ horizon }}m = 'raw' then binned.raw_{{ horizon }}m
            -- without a rhythm, or where no past customer had one, all that is known is how many order at all
            when binned.method_{{ horizon }}m = 'overdue_ratio'
                then coalesce({{ on_curve }}, binned.base_rate_{{ horizon }}m)
            else {{ on_curve }}
        end as chance_{{ horizon }}m,
        {% endfor -%}
        binned.*
    from binned
    {% for horizon in [3, 6, 12] -%}
    left join curves as curves_{{ horizon }}m
        on
            binned.as_of_date = curves_{{ horizon }}m.as_of_date
            and binned.bin_{{ horizon }}m = curves_{{ horizon }}m.bin
            and curves_{{ horizon }}m.horizon_months = {{ horizon }}
            and curves_{{ horizon }}m.curve = case binned.method_{{ horizon }}m
                when 'overdue_ratio' then 'overdue_ratio' else 'model'
            end
    {% endfor -%}
    {{ evaluated_once() }}

),

-- who orders within three months does so within six
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
