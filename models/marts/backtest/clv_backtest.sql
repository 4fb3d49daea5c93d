{{ config(materialized='incremental', incremental_strategy='append', pre_hook='{{ drop_outdated_slices() }}') }}
{%- set text = dbt.type_string() %}

with buckets as (

    select * from {{ ref('int_clv_backtest_buckets') }}

),

origins as (

    select * from {{ ref('int_clv_backtest_origins') }}

),

yardsticks as (

    select
        as_of_date,
        measure,
        max(case when method = 'last_period' then rmse end) as last_period_rmse,
        max(case when method = 'hindsight' then concentration end) as best_concentration
    from buckets
    where bucket_type = 'all'
    group by as_of_date, measure

)

select
    buckets.as_of_date,
    cast(buckets.method as {{ text }}) as method, -- noqa: RF04
    cast(buckets.measure as {{ text }}) as measure,
    cast(buckets.bucket_type as {{ text }}) as bucket_type,
    cast(buckets.bucket as {{ text }}) as bucket,
    buckets.customers,

    -- totals, calibration
    buckets.actual_total,
    buckets.forecast_total,
    case when buckets.actual_total > 0 then buckets.forecast_total / buckets.actual_total - 1 end as bias,

    -- customer by customer
    buckets.rmse,
    buckets.mae,
    buckets.interval_coverage,
    case
        when buckets.bucket_type = 'all' and buckets.actual_total > 0
            then buckets.concentration / nullif(yardsticks.best_concentration, 0)
    end as gini,
    case
        when buckets.bucket_type = 'all' and buckets.method <> 'last_period'
            then buckets.rmse <= yardsticks.last_period_rmse
    end as is_better_than_last_period,

    -- the origin, its holdout and its fit
    origins.holdout_ends_on,
    cast({{ var('clv_backtest_months') }} as integer) as holdout_months,
    cast(case when buckets.method = 'model' then origins.fitted_as_of end as date) as parameters_fitted_as_of,
    {{ own_slice_version('origins.slice_version') }} as slice_version
from buckets
inner join origins on buckets.as_of_date = origins.as_of_date
inner join yardsticks on buckets.as_of_date = yardsticks.as_of_date and buckets.measure = yardsticks.measure
where
    buckets.method <> 'hindsight'
    and {{ is_missing_slice('origins.holdout_ends_on') }}
