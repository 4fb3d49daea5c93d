{{ config(materialized='view') }} -- read once, by int_order_chance_errors
with cases as (

    select * from {{ ref('int_order_chance_cases') }}

),

curves as (

    select * from {{ ref('int_order_chance_curves') }}

),

rates as (

    select * from {{ ref('int_order_chance_rates') }}

)

-- the forecast of each method on the origin, from curves of outcomes that were known by then
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
