{{ config(materialized='view') }} -- written down once, in customer_value_history
{%- set by_forecast = var('abc_value') == 'lifetime_value' %}

with customers as (

    select * from {{ ref('int_earlier_raw_tiers' if by_forecast else 'int_clv_scores') }}
    {{ evaluated_once() }}

),

rules as (

    select * from {{ ref('int_order_chance_rules') }}

),

-- the customer's bin and position on a curve; the model's own chance needs no curve
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

)

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
