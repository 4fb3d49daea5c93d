{{ config(materialized='view') }} -- read once, by int_clv_scores
{%- set horizons = clv_horizons(var('clv_horizons_months')) %}

-- tiers that rank by the forecast come after it, all other labels before
with customers as (

    select
        *,
        case
            when order_count = 0 then cast(null as {{ type_double() }})
            when net_revenue > 0 then cast(net_revenue as {{ type_double() }}) / purchase_days
            else cast(0 as {{ type_double() }})
        end as own_mean_spend
    from {{ ref('int_opening_labels' if var('abc_value') == 'lifetime_value' else 'int_earlier_raw_tiers') }}
    {{ evaluated_once() }}

),

parameters as (

    select * from {{ ref('int_clv_parameters') }}

),

pairs as (

    select * from {{ ref('int_clv_expectations') }}

),

population as (

    select * from {{ ref('int_population_measures') }}

)

-- without a fit the last window is repeated, 0 for churned customers
select
    customers.*,
    population.population_margin_rate,
    parameters.fitted_as_of,
    parameters.state as parameters_state,
    parameters.spend_state as spend_parameters_state,
    parameters.p as spend_p,
    parameters.q as spend_q,
    -- null without parameters or orders, because the arguments are null; in a case, common parts would be computed
    -- twice
    {{ clv_p_alive(
        var('clv_model'), 'customers.gap_count', 'customers.gap_days', 'customers.age_days', 'parameters'
    ) }} as p_alive,
    {{ last_window_rate(
        "customers.lifecycle_stage = 'churned'", 'customers.frequency', 'customers.purchase_days',
        'customers.order_count', var('window_months')
    ) }} as repeated_per_month,
    {% for horizon in horizons -%}
    pairs.expected_purchases_{{ horizon }}m as alive_purchases_{{ horizon }}m,
    pairs.discounted_purchases_{{ horizon }}m as alive_discounted_{{ horizon }}m,
    {% endfor -%}
    {% for horizon in [3, 6, 12, 36] -%}
    pairs.p_no_purchase_{{ horizon }}m as alive_p_no_purchase_{{ horizon }}m,
    {% endfor -%}
    pairs.factorial_moment_36m as alive_factorial_moment_36m,
    -- the first purchase counts, too: fits leave it out, but one-time buyers have no other
    case
        when customers.order_count > 0 then {{ gamma_gamma_expected_spend(
            'customers.purchase_days', 'customers.own_mean_spend', 'parameters.p', 'parameters.q', 'parameters.gamma'
        ) }}
    end as modelled_spend
from customers
inner join parameters on customers.as_of_date = parameters.as_of_date
left join pairs
    on
        customers.as_of_date = pairs.as_of_date
        and customers.gap_count = pairs.repeat_count
        and customers.age_days = pairs.age_days
left join population on customers.as_of_date = population.as_of_date
