{{ config(materialized='view') }} -- read once, by int_clv_expectations
{%- set months = clv_horizons(var('clv_horizons_months')) | max -%}
{%- set monthly = '(-1 / cast(12 as ' ~ type_double() ~ '))' -%}
{%- set growth = '(1 + cast(' ~ var('annual_discount_rate') ~ ' as ' ~ type_double() ~ '))' %}

with facts as (

    select * from {{ ref('int_customer_facts') }}
    where order_count > 0

),

parameters as (

    select * from {{ ref('int_clv_parameters') }}
    where fitted_as_of is not null

),

month_numbers as (

    {{ dbt.generate_series(months) }}

),

-- purchases of a month are discounted from its middle: the weight of the last month, and the difference to the next
-- month for earlier ones
months as (

    select
        cast(generated_number as integer) as month_number,
        cast(generated_number as {{ type_double() }}) * 365 / 12 as horizon_days,
        power({{ growth }}, (generated_number - 0.5) * {{ monthly }}) as last_weight,
        power({{ growth }}, (generated_number - 0.5) * {{ monthly }})
        - power({{ growth }}, (generated_number + 0.5) * {{ monthly }}) as weight
    from month_numbers

),

-- the expectations for a customer who is alive depend on these two numbers alone
pairs as (

    select distinct
        as_of_date,
        gap_count as repeat_count,
        age_days
    from facts

)

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
