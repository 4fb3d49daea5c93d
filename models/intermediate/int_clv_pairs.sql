{%- set horizons = clv_horizons(var('clv_horizons_months')) -%}
{%- set arguments = ['repeat_count', 'age_days', 'horizon_days', 'r', 'alpha'] -%}
{%- set is_pareto = var('clv_model') == 'pareto_nbd' -%}
{%- set is_modified = var('clv_model') == 'mbg_nbd' -%}
with inputs as (

    select * from {{ ref('int_clv_inputs') }}
    where order_count > 0

),

parameters as (

    select * from {{ ref('clv_parameters') }}
    where fitted_as_of is not null

),

months as (

    select * from {{ ref('int_clv_months') }}

),

-- what is expected of a customer who is alive depends on these two numbers alone
pairs as (

    select distinct
        as_of_date,
        repeat_count,
        age_days
    from inputs

),

at_month_ends as (

    select
        pairs.as_of_date,
        pairs.repeat_count,
        pairs.age_days,
        months.month_number,
        months.horizon_days,
        months.last_weight,
        months.weight,
        parameters.r,
        parameters.alpha,
        parameters.s,
        parameters.beta,
        parameters.a,
        parameters.b
    from pairs
    inner join parameters on pairs.as_of_date = parameters.as_of_date
    cross join months
    {{ evaluated_once() }}

),

expected as (

    select
        as_of_date,
        repeat_count,
        age_days,
        month_number,
        {{ pareto_nbd_expected_purchases(*(arguments + ['s', 'beta'])) if is_pareto
            else beta_geometric_expected_purchases(*(arguments + ['a', 'b', is_modified])) }} as expected_purchases,
        last_weight,
        weight
    from at_month_ends
    {{ evaluated_once() }}

),

-- apart from the other months, not in a case: there DuckDB would work out common parts again and again
moments as (

    select
        as_of_date,
        repeat_count,
        age_days,
        month_number,
        {{ pareto_nbd_p_no_purchase(*(arguments + ['s', 'beta'])) if is_pareto
            else beta_geometric_p_no_purchase(*arguments) }} as p_no_purchase,
        {{ pareto_nbd_factorial_moment(*(arguments + ['s', 'beta'])) if is_pareto
            else beta_geometric_factorial_moment(*(arguments + ['a', 'b', is_modified])) }} as factorial_moment
    from at_month_ends
    where month_number in ({{ horizons | join(', ') }})

)

-- decimals, so that a sum does not depend on the order of its rows
select
    expected.as_of_date,
    expected.repeat_count,
    {% for horizon in horizons -%}
    {%- set is_it = 'case when expected.month_number = ' ~ horizon ~ ' then' -%}
    max({{ is_it }} expected.expected_purchases end) as expected_purchases_{{ horizon }}m,
    cast(sum(case
        when expected.month_number < {{ horizon }}
            then cast(expected.weight * expected.expected_purchases as numeric(38, 18))
        when expected.month_number = {{ horizon }}
            then cast(expected.last_weight * expected.expected_purchases as numeric(38, 18))
    end) as {{ type_double() }}) as discounted_purchases_{{ horizon }}m,
    max({{ is_it }} moments.p_no_purchase end) as p_no_purchase_{{ horizon }}m,
    max({{ is_it }} moments.factorial_moment end) as factorial_moment_{{ horizon }}m,
    {% endfor -%}
    expected.age_days
from expected
left join moments
    on
        expected.as_of_date = moments.as_of_date
        and expected.repeat_count = moments.repeat_count
        and expected.age_days = moments.age_days
        and expected.month_number = moments.month_number
group by expected.as_of_date, expected.repeat_count, expected.age_days
