{{ config(materialized='view') }} -- written down once, in customer_value_history
{%- set horizons = clv_horizons(var('clv_horizons_months')) %}

with estimates as (

    select * from {{ ref('int_clv_estimates') }}
    {{ evaluated_once() }}

),

spent as (

    select
        *,
        coalesce(modelled_spend, own_mean_spend) as expected_spend
    from estimates

),

-- repeated purchases of a month are discounted from its middle
scored as (

    select
        {% for horizon in horizons -%}
        case
            when fitted_as_of is null then repeated_per_month * {{ horizon }}
            else p_alive * alive_purchases_{{ horizon }}m
        end as expected_purchases_{{ horizon }}m,
        case
            when fitted_as_of is null
                then repeated_per_month * {{ months_worth(horizon, var('annual_discount_rate')) }}
            else p_alive * alive_discounted_{{ horizon }}m
        end as discounted_purchases_{{ horizon }}m,
        {% endfor -%}
        *
    from spent
    {{ evaluated_once() }}

),

ranged as (

    select * from {{ with_spend_range('scored', var('clv_interval'), '_36m') }} as ranged

),

-- the day by which one more purchase is expected, interpolated between horizons
next_orders as (

    select
        *,
        case
            {% for horizon in horizons -%}
            {%- set before = 0 if loop.first else horizons[loop.index0 - 1] -%}
            {%- set reached = '0' if loop.first else 'expected_purchases_' ~ before ~ 'm' -%}
            {%- set share = '(1 - ' ~ reached ~ ') / (expected_purchases_' ~ horizon ~ 'm - ' ~ reached ~ ')' -%}
            when expected_purchases_{{ horizon }}m >= 1
                then {{ '(' ~ before ~ ' + ' ~ share ~ ' * ' ~ (horizon - before) ~ ') * 365 / 12' }}
            {% endfor -%}
        end as days_to_next_order
    from ranged

)

select
    -- the range of the spend, discounted in the same proportion as expected purchases
    spend_36m_low * alive_discounted_36m / nullif(alive_purchases_36m, 0) as discounted_spend_36m_low,
    spend_36m_high * alive_discounted_36m / nullif(alive_purchases_36m, 0) as discounted_spend_36m_high,
    *,
    cast(case
        when order_count = 0 then 'no order yet'
        when fitted_as_of is null
            then {{ dbt.concat(["'last window repeated: '", 'parameters_state']) }}
        when parameters_state in ('carried forward', 'awaiting fit') then 'modelled, parameters carried forward'
        else 'modelled'
    end as {{ dbt.type_string() }}) as clv_state,
    cast(case
        when order_count = 0 then 'no order yet'
        when modelled_spend is null then 'own mean'
        when spend_parameters_state in ('carried forward', 'awaiting fit') then 'modelled, parameters carried forward'
        else 'modelled'
    end as {{ dbt.type_string() }}) as spend_state,
    cast({{ dbt.dateadd(
        'day', 'cast(ceil(days_to_next_order) as integer)', 'as_of_date'
    ) }} as date) as expected_next_order_date
from next_orders
