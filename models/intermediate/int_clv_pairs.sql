{%- set horizons = clv_horizons(var('clv_horizons_months')) -%}
{%- set months = horizons | max -%}
{%- set monthly = '(-1 / cast(12 as ' ~ type_double() ~ '))' -%}
{%- set arguments = ['repeat_count', 'age_days', 'horizon_days', 'r', 'alpha'] -%}
{%- set is_pareto = var('clv_model') == 'pareto_nbd' -%}
{%- set is_modified = var('clv_model') == 'mbg_nbd' -%}
{%- set growth = '(1 + cast(' ~ var('annual_discount_rate') ~ ' as ' ~ type_double() ~ '))' -%}
with inputs as (

    select * from {{ ref('int_clv_inputs') }}
    where order_count > 0

),

parameters as (

    select * from {{ ref('clv_parameters') }}
    where fitted_as_of is not null

),

month_numbers as (

    {{ dbt.generate_series(months) }}

),

-- what is expected of a customer who is still one hangs on these two numbers alone
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
        cast(month_numbers.generated_number as integer) as month_number,
        cast(month_numbers.generated_number as {{ type_double() }}) * 365 / 12 as horizon_days,
        parameters.r,
        parameters.alpha,
        parameters.s,
        parameters.beta,
        parameters.a,
        parameters.b
    from pairs
    inner join parameters on pairs.as_of_date = parameters.as_of_date
    cross join month_numbers
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
        case when month_number in ({{ horizons | join(', ') }}) then {{
            pareto_nbd_p_no_purchase(*(arguments + ['s', 'beta'])) if is_pareto
            else beta_geometric_p_no_purchase(*arguments)
        }} end as p_no_purchase,
        case when month_number in ({{ horizons | join(', ') }}) then {{
            pareto_nbd_factorial_moment(*(arguments + ['s', 'beta'])) if is_pareto
            else beta_geometric_factorial_moment(*(arguments + ['a', 'b', is_modified]))
        }} end as factorial_moment,
        -- purchases of a month count as if made in its middle: the last month's weight, and what an earlier one's lacks
        power({{ growth }}, (month_number - 0.5) * {{ monthly }}) as last_weight,
        power({{ growth }}, (month_number - 0.5) * {{ monthly }})
        - power({{ growth }}, (month_number + 0.5) * {{ monthly }}) as weight
    from at_month_ends
    {{ evaluated_once() }}

)

-- decimals, so that a sum does not depend on the order of its rows
select
    as_of_date,
    repeat_count,
    {% for horizon in horizons -%}
    max(case when month_number = {{ horizon }} then expected_purchases end) as expected_purchases_{{ horizon }}m,
    cast(sum(case
        when month_number < {{ horizon }} then cast(weight * expected_purchases as numeric(38, 18))
        when month_number = {{ horizon }} then cast(last_weight * expected_purchases as numeric(38, 18))
    end) as {{ type_double() }}) as discounted_purchases_{{ horizon }}m,
    max(case when month_number = {{ horizon }} then p_no_purchase end) as p_no_purchase_{{ horizon }}m,
    max(case when month_number = {{ horizon }} then factorial_moment end) as factorial_moment_{{ horizon }}m,
    {% endfor -%}
    age_days
from expected
group by as_of_date, repeat_count, age_days
