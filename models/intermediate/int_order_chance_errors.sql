{{ config(materialized='incremental', incremental_strategy='append', pre_hook='{{ drop_outdated_slices() }}') }}
-- depends_on: {{ ref('int_slices') }}
{%- set methods = ['raw', 'recalibrated', 'overdue_ratio', 'base_rate'] %}
with cases as (

    select * from {{ ref('int_order_chance_cases') }}

),

curves as (

    select * from {{ ref('int_order_chance_curves') }}

),

rates as (

    select * from {{ ref('int_order_chance_rates') }}

),

-- what each method said at the origin, from curves of outcomes that were known by then
forecasts as (

    select
        cases.as_of_date,
        cases.horizon_months,
        cases.ends_on,
        cases.slice_version,
        cases.has_bought,
        cases.model_position as raw, -- noqa: RF04
        {{ chance_on_curve('cases.model_position', 'model_curves') }} as recalibrated,
        coalesce(
            {{ chance_on_curve('cases.overdue_ratio_position', 'ratio_curves') }}, rates.base_rate
        ) as overdue_ratio,
        rates.base_rate
    from cases
    left join curves as model_curves
        on
            cases.as_of_date = model_curves.as_of_date
            and cases.horizon_months = model_curves.horizon_months
            and cases.model_bin = model_curves.bin
            and model_curves.curve = 'model'
    left join curves as ratio_curves
        on
            cases.as_of_date = ratio_curves.as_of_date
            and cases.horizon_months = ratio_curves.horizon_months
            and cases.overdue_ratio_bin = ratio_curves.bin
            and ratio_curves.curve = 'overdue_ratio'
    left join rates on cases.as_of_date = rates.as_of_date and cases.horizon_months = rates.horizon_months
    {{ evaluated_once() }}

),

-- decimals, so that equal forecasts are equal on every engine and sums do not depend on the order of rows
value_groups as (

    {% for method in methods -%}
    select
        as_of_date,
        horizon_months,
        ends_on,
        slice_version,
        '{{ method }}' as method, -- noqa: RF04
        cast({{ method }} as numeric(28, 12)) as forecast,
        count(*) as customers,
        sum(has_bought) as bought
    from forecasts
    group by as_of_date, horizon_months, ends_on, slice_version, cast({{ method }} as numeric(28, 12))
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
        sum(cast(customers * forecast as numeric(28, 12))) as forecast_sum,
        sum(cast(
            cast(customers as {{ type_double() }}) * cast(forecast as {{ type_double() }})
            * cast(forecast as {{ type_double() }})
            - 2 * cast(forecast as {{ type_double() }}) * cast(bought as {{ type_double() }}) as numeric(28, 12)
        )) as squares_less_hits
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
{% if is_incremental() -%}
where not exists (
    select 1 from {{ this }} as kept
    where
        kept.as_of_date = tenths.as_of_date
        and kept.horizon_months = tenths.horizon_months
        and kept.slice_version = tenths.slice_version
)
{% endif -%}
group by as_of_date, horizon_months, ends_on, slice_version, method
