{{ config(materialized='view') }} -- read once, by int_clv_scores
{%- set horizons = clv_horizons(var('clv_horizons_months')) -%}
{%- set shape = ['s', 'beta'] if var('clv_model') == 'pareto_nbd' else ['a', 'b'] -%}
{%- set arguments = ['inputs.repeat_count', 'inputs.last_purchase_age_days', 'inputs.age_days', 'parameters.r',
    'parameters.alpha', 'parameters.' ~ shape[0], 'parameters.' ~ shape[1]] -%}
{%- set p_alive = pareto_nbd_p_alive(*arguments) if var('clv_model') == 'pareto_nbd'
    else mbg_nbd_p_alive(*arguments) if var('clv_model') == 'mbg_nbd' else bg_nbd_p_alive(*arguments) -%}
{%- set own_gap = expected_gap(
    'inputs.last_purchase_age_days', 'inputs.repeat_count', 'population.population_mean_gap_days',
    var('expected_gap_prior_weight')
) -%}
{%- set is_churned = 'inputs.recency_days > ' ~ var('churned_min_recency_days')
    ~ ' and inputs.recency_days / ' ~ own_gap ~ ' >= thresholds.churned_overdue_ratio' %}

with inputs as (

    select * from {{ ref('int_clv_inputs') }}

),

parameters as (

    select * from {{ ref('clv_parameters') }}

),

pairs as (

    select * from {{ ref('int_clv_pairs') }}

),

population as (

    select * from {{ ref('int_population_measures') }}

),

-- not from tier_thresholds, whose ABC tiers may rank by the lifetime value that this leads to
thresholds as (

    select * from {{ ref('int_stage_thresholds') }}

)

-- without a fit the last window is repeated, by whoever is not long overdue
select
    inputs.*,
    population.population_margin_rate,
    parameters.fitted_as_of,
    parameters.state as parameters_state,
    parameters.spend_state as spend_parameters_state,
    parameters.p as spend_p,
    parameters.q as spend_q,
    -- null without parameters or orders, as its arguments are; in a case its common parts would be worked out again
    {{ p_alive }} as p_alive,
    {{ last_window_rate(
        is_churned, 'inputs.frequency', 'inputs.purchase_days', 'inputs.order_count', var('window_months')
    ) }} as repeated_per_month,
    {% for horizon in horizons -%}
    pairs.expected_purchases_{{ horizon }}m as alive_purchases_{{ horizon }}m,
    pairs.discounted_purchases_{{ horizon }}m as alive_discounted_{{ horizon }}m,
    {% endfor -%}
    {% for horizon in [3, 6, 12, 36] -%}
    pairs.p_no_purchase_{{ horizon }}m as alive_p_no_purchase_{{ horizon }}m,
    {% endfor -%}
    pairs.factorial_moment_36m as alive_factorial_moment_36m,
    -- the first purchase counts too: fits leave it out, but of one-time buyers it is all that is known
    case
        when inputs.order_count > 0 then {{ gamma_gamma_expected_spend(
            'inputs.purchase_days', 'inputs.own_mean_spend', 'parameters.p', 'parameters.q', 'parameters.gamma'
        ) }}
    end as modelled_spend
from inputs
inner join parameters on inputs.as_of_date = parameters.as_of_date
left join pairs
    on
        inputs.as_of_date = pairs.as_of_date
        and inputs.repeat_count = pairs.repeat_count
        and inputs.age_days = pairs.age_days
left join population on inputs.as_of_date = population.as_of_date
left join thresholds on inputs.as_of_date = thresholds.as_of_date
