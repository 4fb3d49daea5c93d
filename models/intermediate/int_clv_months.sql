{{ config(materialized='view') }} -- a few rows
{%- set months = clv_horizons(var('clv_horizons_months')) | max -%}
{%- set monthly = '(-1 / cast(12 as ' ~ type_double() ~ '))' -%}
{%- set growth = '(1 + cast(' ~ var('annual_discount_rate') ~ ' as ' ~ type_double() ~ '))' %}

with month_numbers as (

    {{ dbt.generate_series(months) }}

)

-- purchases of a month count as if made in its middle: the last month's weight, and what an earlier one's lacks
select
    cast(generated_number as integer) as month_number,
    cast(generated_number as {{ type_double() }}) * 365 / 12 as horizon_days,
    power({{ growth }}, (generated_number - 0.5) * {{ monthly }}) as last_weight,
    power({{ growth }}, (generated_number - 0.5) * {{ monthly }})
    - power({{ growth }}, (generated_number + 0.5) * {{ monthly }}) as weight
from month_numbers
