{{ config(materialized='view') }} -- read once, by customer_forecasts
{%- set horizons = clv_horizons(var('clv_horizons_months')) %}

-- Read from the history, which keeps the columns of int_clv_scores: that view would be computed for all open slices
-- again, and only the current date is needed here.
with customers as (

    select
        *,
        purchase_days - 1 as repeat_count,
        {{ dbt.datediff('first_order_date', 'as_of_date', 'day') }} as age_days, -- noqa: LT05
        {{ last_window_rate(
            "lifecycle_stage = 'churned'", 'frequency', 'purchase_days', 'order_count', var('window_months')
        ) }} as repeated_per_month
    from {{ ref('customer_value_history') }}
    where
        order_count > 0
        and as_of_date = (
            select max(slices.as_of_date)
            from {{ ref('int_slices') }} as slices
            where slices.is_open
        )

),

parameters as (

    select * from {{ ref('int_clv_parameters') }}

),

population as (

    select * from {{ ref('int_population_measures') }}

),

horizons as (

    {% for horizon in horizons -%}
    select
        {{ horizon }} as horizon_months,
        {{ months_worth(horizon, var('annual_discount_rate')) }} as months_worth
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

ahead as (

    select * from {{ ref('int_clv_expectations_by_horizon') }}

)

select
    customers.as_of_date,
    customers.customer_id,
    horizons.horizon_months,
    customers.purchase_days,
    customers.p_alive,
    customers.expected_spend,
    population.population_margin_rate,
    parameters.p as spend_p,
    parameters.q as spend_q,
    methods.method = 'last_window' and parameters.fitted_as_of is not null as is_repeated,
    case
        when methods.method = 'last_window' or parameters.fitted_as_of is null
            then customers.repeated_per_month * horizons.horizon_months
        else customers.p_alive * ahead.alive_purchases
    end as expected_purchases,
    case
        when methods.method = 'last_window' or parameters.fitted_as_of is null
            then customers.repeated_per_month * horizons.months_worth
        else customers.p_alive * ahead.alive_discounted
    end as discounted_purchases,
    ahead.alive_purchases,
    ahead.alive_discounted,
    ahead.alive_p_no_purchase,
    ahead.alive_factorial_moment,
    customers.clv_state,
    customers.spend_state,
    customers.slice_version
from customers
cross join horizons
cross join {{ ref('int_clv_method') }} as methods
inner join parameters on customers.as_of_date = parameters.as_of_date
inner join population on customers.as_of_date = population.as_of_date
left join ahead
    on
        customers.as_of_date = ahead.as_of_date
        and customers.repeat_count = ahead.repeat_count
        and customers.age_days = ahead.age_days
        and horizons.horizon_months = ahead.horizon_months
