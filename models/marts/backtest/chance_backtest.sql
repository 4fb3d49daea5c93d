with errors as (

    select * from {{ ref('int_order_chance_errors') }}

),

winners as (

    select * from {{ ref('int_order_chance_winners') }}

),

available as (

    select
        as_of_date,
        horizon_months,
        max(case when method = 'overdue_ratio' then brier_score end) as overdue_ratio,
        max(case when method = 'recalibrated' then brier_score end) as recalibrated,
        max(case when method = 'raw' then brier_score end) as raw -- noqa: RF04
    from errors
    group by as_of_date, horizon_months

),

chosen as (

    select
        available.as_of_date,
        available.horizon_months,
        {{ chance_method(
            'winners.is_ratio_better', 'available.overdue_ratio is not null', 'available.recalibrated is not null',
            'available.raw is not null', var('p_order_method')
        ) }} as method -- noqa: RF04
    from available
    left join winners
        on available.as_of_date = winners.as_of_date and available.horizon_months = winners.horizon_months

)

select
    errors.as_of_date,
    cast(errors.horizon_months as integer) as horizon_months,
    errors.method, -- noqa: RF04
    errors.customers,
    errors.bought,
    cast(errors.bought as {{ type_double() }}) / errors.customers as share_bought,
    errors.brier_score,
    errors.calibration_error,
    coalesce(chosen.method = errors.method, false) as is_chosen,
    errors.ends_on,
    errors.slice_version
from errors
left join chosen on errors.as_of_date = chosen.as_of_date and errors.horizon_months = chosen.horizon_months
