{%- set text = dbt.type_string() -%}
{%- set buckets = {
    'all': "'all'", 'decile': 'lpad(cast(decile as ' ~ text ~ "), 2, '0')", 'tier': 'tier',
    'cohort': 'cast(cohort_quarter as ' ~ text ~ ')'
} %}
with sums as (

    select * from {{ ref('int_clv_backtest_sums') }}

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
)

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
