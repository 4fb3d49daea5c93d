{%- set horizons = var('clv_horizons_months') -%}
{%- set shape = ['s', 'beta'] if var('clv_model') == 'pareto_nbd' else ['a', 'b'] -%}
{%- set v = (1 + var('annual_discount_rate')) ** (-1 / 12) %}
{%- set worth = {} -%}
{%- for horizon in horizons -%}
{%- do worth.update({
    horizon: '%.15f' | format(v ** 0.5 * (1 - v ** horizon) / (1 - v) if v < 1 else horizon)
}) -%}
{%- endfor -%}
{%- set arguments = ['inputs.repeat_count', 'inputs.last_purchase_age_days', 'inputs.age_days', 'parameters.r',
    'parameters.alpha', 'parameters.' ~ shape[0], 'parameters.' ~ shape[1]] -%}
{%- set p_alive = pareto_nbd_p_alive(*arguments) if var('clv_model') == 'pareto_nbd'
    else mbg_nbd_p_alive(*arguments) if var('clv_model') == 'mbg_nbd' else bg_nbd_p_alive(*arguments) -%}
{%- set own_gap = expected_gap(
    'inputs.last_purchase_age_days', 'inputs.repeat_count', 'population_gaps.population_mean_gap_days',
    var('expected_gap_prior_weight')
) -%}
with inputs as (

    select * from {{ ref('int_clv_inputs') }}

),

parameters as (

    select * from {{ ref('clv_parameters') }}

),

pairs as (

    select * from {{ ref('int_clv_pairs') }}

),

population_gaps as (

    select * from {{ ref('int_population_gaps') }}

),

-- without a fit the last window is repeated, by whoever is not long overdue; each month's purchases in its middle
modelled as (

    select
        inputs.as_of_date,
        inputs.customer_id,
        parameters.fitted_as_of,
        parameters.state as parameters_state,
        case
            when parameters.fitted_as_of is not null
                then {{ p_alive }}
        end as p_alive,
        case
            when
                inputs.recency_days > {{ var('churned_min_recency_days') }}
                and inputs.recency_days / {{ own_gap }} >= {{ var('churned_overdue_ratio') }}
                then cast(0 as {{ type_double() }})
            else cast(inputs.frequency as {{ type_double() }}) / {{ var('window_months') }}
        end as repeated_per_month,
        {{ gamma_gamma_expected_spend(
            'inputs.repeat_count', 'inputs.mean_repeat_spend', 'parameters.p', 'parameters.q', 'parameters.gamma'
        ) }} as modelled_spend,
        {% for horizon in horizons -%}
        pairs.expected_purchases_{{ horizon }}m,
        pairs.discounted_purchases_{{ horizon }}m,
        {% endfor -%}
        case
            when inputs.net_revenue > 0
                then cast(inputs.net_revenue as {{ type_double() }}) / inputs.purchase_days
            else cast(0 as {{ type_double() }})
        end as own_mean_spend
    from inputs
    inner join parameters on inputs.as_of_date = parameters.as_of_date
    left join pairs
        on
            inputs.as_of_date = pairs.as_of_date
            and inputs.repeat_count = pairs.repeat_count
            and inputs.age_days = pairs.age_days
    left join population_gaps on inputs.as_of_date = population_gaps.as_of_date
    {{ evaluated_once() }}

),

scored as (

    select
        as_of_date,
        customer_id,
        fitted_as_of,
        parameters_state,
        p_alive,
        modelled_spend,
        {% for horizon in horizons -%}
        case
            when fitted_as_of is null then repeated_per_month * {{ horizon }}
            else p_alive * expected_purchases_{{ horizon }}m
        end as expected_purchases_{{ horizon }}m,
        case
            when fitted_as_of is null
                then repeated_per_month * {{ worth[horizon] }}
            else p_alive * discounted_purchases_{{ horizon }}m
        end as discounted_purchases_{{ horizon }}m,
        {% endfor -%}
        own_mean_spend
    from modelled
    {{ evaluated_once() }}

),

-- the day by which one more purchase is expected, on straight lines from horizon to horizon
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
    from scored

)

select
    as_of_date,
    customer_id,
    cast(case
        when fitted_as_of is null
            then {{ dbt.concat(["'last window repeated: '", 'parameters_state']) }}
        when parameters_state = 'carried forward' then 'modelled, parameters carried forward'
        else 'modelled'
    end as {{ dbt.type_string() }}) as clv_state,
    cast(
        case when modelled_spend is null then 'own mean' else 'modelled' end as {{ dbt.type_string() }}
    ) as spend_state,
    fitted_as_of,
    p_alive,
    {% for horizon in horizons -%}
    expected_purchases_{{ horizon }}m,
    {% endfor -%}
    {% for horizon in horizons -%}
    discounted_purchases_{{ horizon }}m,
    {% endfor -%}
    coalesce(modelled_spend, own_mean_spend) as expected_spend,
    cast({{ dbt.dateadd(
        'day', 'cast(ceil(days_to_next_order) as integer)', 'as_of_date'
    ) }} as date) as expected_next_order_date
from next_orders
