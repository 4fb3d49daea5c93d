{{ config(materialized='view') }} -- read once, by int_clv_forecasts
{%- set horizons = clv_horizons(var('clv_horizons_months')) %}

with expectations as (

    select * from {{ ref('int_clv_expectations') }}

)

{% for horizon in horizons -%}
select
    as_of_date,
    repeat_count,
    age_days,
    {{ horizon }} as horizon_months,
    expected_purchases_{{ horizon }}m as alive_purchases,
    discounted_purchases_{{ horizon }}m as alive_discounted,
    p_no_purchase_{{ horizon }}m as alive_p_no_purchase,
    factorial_moment_{{ horizon }}m as alive_factorial_moment
from expectations
{{ 'union all' if not loop.last }}
{% endfor %}
