{{ config(materialized='incremental', incremental_strategy='append', pre_hook='{{ drop_outdated_slices() }}') }}
-- depends_on: {{ ref('int_slices') }}
{%- set methods = ['raw', 'recalibrated', 'overdue_ratio', 'base_rate'] %}

with forecasts as (

    select * from {{ ref('int_order_chance_forecasts') }}
    {{ evaluated_once() }}

),

-- Ranked by the chance to a ten-thousandth: far fewer values to rank, and equal ones are equal on every engine, whose
-- doubles differ in the 16th digit. Errors are of the chances themselves, in decimals, so that sums do not depend on
-- the order of rows.
value_groups as (

    {% for method in methods -%}
    select
        as_of_date,
        horizon_months,
        ends_on,
        slice_version,
        '{{ method }}' as method, -- noqa: RF04
        cast({{ method }} as numeric(6, 4)) as forecast,
        count(*) as customers,
        sum(has_bought) as bought,
        sum(cast({{ method }} as numeric(18, 12))) as forecast_sum,
        sum(cast({{ method }} * ({{ method }} - 2 * has_bought) as numeric(18, 12))) as squares_less_hits
    from forecasts
    group by as_of_date, horizon_months, ends_on, slice_version, cast({{ method }} as numeric(6, 4))
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

ranked as (

    select
        *,
        sum(customers) over (
            partition by as_of_date, horizon_months, method
            order by forecast asc rows between unbounded preceding and current row
        ) as customers_to_here,
        sum(customers) over (partition by as_of_date, horizon_months, method) as customers_total
    from value_groups

),

-- ten bins by mean rank, so that equal forecasts share one
tenths as (

    select
        as_of_date,
        horizon_months,
        ends_on,
        slice_version,
        method,
        floor(
            5 * cast(2 * customers_to_here - customers as {{ type_double() }})
            / cast(customers_total as {{ type_double() }})
        ) as tenth,
        sum(customers) as customers,
        sum(bought) as bought,
        sum(forecast_sum) as forecast_sum,
        sum(squares_less_hits) as squares_less_hits
    from ranked
    group by
        as_of_date, horizon_months, ends_on, slice_version, method,
        floor(
            5 * cast(2 * customers_to_here - customers as {{ type_double() }})
            / cast(customers_total as {{ type_double() }})
        )

)

-- (forecast - outcome) squared = forecast squared - 2 x forecast x outcome + outcome, which is 0 or 1
select
    as_of_date,
    horizon_months,
    cast(method as {{ dbt.type_string() }}) as method, -- noqa: RF04
    ends_on,
    cast(sum(customers) as integer) as customers,
    cast(sum(bought) as integer) as bought,
    cast(sum(squares_less_hits + bought) as {{ type_double() }}) / cast(sum(customers) as {{ type_double() }})
        as brier_score,
    cast(sum(abs(forecast_sum - bought)) as {{ type_double() }}) / cast(sum(customers) as {{ type_double() }})
        as calibration_error,
    slice_version
from tenths
where {{ is_missing_origin(this, 'tenths') if is_incremental() else '1 = 1' }}
group by as_of_date, horizon_months, ends_on, slice_version, method
