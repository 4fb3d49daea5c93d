{{ config(materialized='incremental', incremental_strategy='append', pre_hook='{{ drop_outdated_slices() }}') }}
{%- set text = dbt.type_string() -%}
{%- set buckets = {
    'all': "'all'", 'decile': 'lpad(cast(decile as ' ~ text ~ "), 2, '0')", 'tier': 'tier',
    'cohort': 'cast(cohort_quarter as ' ~ text ~ ')'
} %}

with sums as (

    select * from {{ ref('int_clv_backtest_sums') }}

),

origins as (

    select * from {{ ref('int_clv_backtest_origins') }}

),

bucketed as (

    {% for bucket_type, bucket in buckets.items() -%}
    select
        as_of_date,
        method,
        measure,
        '{{ bucket_type }}' as bucket_type,
        {{ bucket }} as bucket,
        customers,
        actual_total,
        forecast_total,
        squared_error,
        absolute_error,
        twice_area,
        within_interval
    from sums
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

added as (

    select
        as_of_date,
        method,
        measure,
        bucket_type,
        bucket,
        cast(sum(customers) as integer) as customers,
        cast(sum(actual_total) as {{ type_double() }}) as actual_total,
        cast(sum(forecast_total) as {{ type_double() }}) as forecast_total,
        sqrt(cast(sum(squared_error) as {{ type_double() }}) / sum(customers)) as rmse,
        cast(sum(absolute_error) as {{ type_double() }}) / sum(customers) as mae,
        cast(sum(within_interval) as {{ type_double() }}) / sum(customers) as interval_coverage,
        1 - cast(sum(twice_area) as {{ type_double() }}) / sum(customers)
        / nullif(cast(sum(actual_total) as {{ type_double() }}), 0) as concentration
    from bucketed
    group by as_of_date, method, measure, bucket_type, bucket

),

yardsticks as (

    select
        as_of_date,
        measure,
        max(case when method = 'last_period' then rmse end) as last_period_rmse,
        max(case when method = 'hindsight' then concentration end) as best_concentration
    from added
    where bucket_type = 'all'
    group by as_of_date, measure

)

select
    added.as_of_date,
    cast(added.method as {{ text }}) as method, -- noqa: RF04
    cast(added.measure as {{ text }}) as measure,
    cast(added.bucket_type as {{ text }}) as bucket_type,
    cast(added.bucket as {{ text }}) as bucket,
    added.customers,

    -- totals, calibration
    added.actual_total,
    added.forecast_total,
    case when added.actual_total > 0 then added.forecast_total / added.actual_total - 1 end as bias,

    -- customer by customer
    added.rmse,
    added.mae,
    added.interval_coverage,
    case
        when added.bucket_type = 'all' and added.actual_total > 0
            then added.concentration / nullif(yardsticks.best_concentration, 0)
    end as gini,
    case
        when added.bucket_type = 'all' and added.method <> 'last_period'
            then added.rmse <= yardsticks.last_period_rmse
    end as is_better_than_last_period,

    -- what it rests on
    origins.holdout_ends_on,
    cast({{ var('clv_backtest_months') }} as integer) as holdout_months,
    cast(case when added.method = 'model' then origins.fitted_as_of end as date) as parameters_fitted_as_of,
    {{ own_slice_version('origins.slice_version') }} as slice_version
from added
inner join origins on added.as_of_date = origins.as_of_date
inner join yardsticks on added.as_of_date = yardsticks.as_of_date and added.measure = yardsticks.measure
where
    added.method <> 'hindsight'
    and {{ is_missing_slice('origins.holdout_ends_on') }}
