{%- set months = var('clv_backtest_months') -%}
with month_ends as (

    select
        as_of_date,
        slice_version,
        row_number() over (order by as_of_date asc) as month_number,
        lag(as_of_date, {{ months }}) over (order by as_of_date asc) as period_starts_after,
        lead(as_of_date, {{ months }}) over (order by as_of_date asc) as holdout_ends_on
    from {{ ref('int_slices') }}
    where is_month_end

),

fit_dates as (

    select * from {{ ref('int_clv_fit_dates') }}

),

parameters as (

    select * from {{ ref('int_clv_parameters') }}

)

-- An origin is a fit date whose holdout is over. Its rows in the mart are valid as long as the version of the slice in
-- which the holdout ends, because that slice depends on everything that earlier slices depend on.
select
    month_ends.as_of_date,
    month_ends.period_starts_after,
    month_ends.holdout_ends_on,
    month_ends.month_number >= {{ months }} as has_whole_period,
    cast(
        {{ dbt.datediff('month_ends.as_of_date', 'month_ends.holdout_ends_on', 'day') }} as {{ type_double() }} -- noqa: LT05
    ) as holdout_days,
    parameters.fitted_as_of,
    parameters.r,
    parameters.alpha,
    parameters.s,
    parameters.beta,
    parameters.a,
    parameters.b,
    parameters.p,
    parameters.q,
    holdout_ends.slice_version
from month_ends
inner join fit_dates on month_ends.as_of_date = fit_dates.as_of_date
inner join parameters on month_ends.as_of_date = parameters.as_of_date
inner join month_ends as holdout_ends on month_ends.holdout_ends_on = holdout_ends.as_of_date
where {{ is_missing_slice('month_ends.holdout_ends_on', of='clv_backtest') }}
