{%- set horizons = label_horizons([var('churn_horizon_months')]) -%}
with month_ends as (

    select
        as_of_date,
        slice_version,
        row_number() over (order by as_of_date asc) as month_number
    from {{ ref('int_slices') }}
    where is_month_end

),

horizons as (

    {% for months in horizons -%}
    select {{ months }} as horizon_months
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

-- the mart's rows of an origin and horizon are valid as long as the slice in which the horizon ends (decision 0021)
select
    month_ends.as_of_date,
    horizons.horizon_months,
    horizon_ends.as_of_date as horizon_ends_on,
    horizon_ends.slice_version
from month_ends
cross join horizons
inner join month_ends as horizon_ends
    on month_ends.month_number + horizons.horizon_months = horizon_ends.month_number
where {{ is_missing_slice('horizon_ends.as_of_date', of='label_truth') }}
