{{ config(materialized='view') }} -- a few rows

with slices as (

    select * from {{ ref('int_slices') }}

),

-- after the last month-end there is at most one as-of date within a month, and no horizon ends on it
pairs as (

    {% for months in return_horizons(var('churn_horizon_months')) -%}
    select
        as_of_date,
        {{ months }} as horizon_months,
        lead(as_of_date, {{ months }}) over (order by as_of_date asc) as returns_end_on
    from slices
    where is_month_end
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    pairs.as_of_date,
    pairs.horizon_months,
    pairs.returns_end_on,
    slices.slice_version
from pairs
inner join slices on pairs.returns_end_on = slices.as_of_date
where slices.is_uncounted
