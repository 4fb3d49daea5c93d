with forecasts as (

    select * from {{ ref('int_clv_backtest_forecasts') }}

),

value_groups as (

    select
        as_of_date,
        method,
        measure,
        ranked_forecast,
        count(*) as customers,
        sum(actual) as actual
    from forecasts
    group by as_of_date, method, measure, ranked_forecast

),

cumulated as (

    select
        as_of_date,
        method,
        measure,
        ranked_forecast,
        customers,
        actual,
        sum(customers) over (
            partition by as_of_date, method, measure
            order by ranked_forecast asc rows between unbounded preceding and current row
        ) as customers_to_here,
        sum(customers) over (partition by as_of_date, method, measure) as customers_total,
        sum(actual) over (
            partition by as_of_date, method, measure
            order by ranked_forecast asc rows between unbounded preceding and current row
        ) as actual_to_here
    from value_groups

),

-- customers with the same forecast share a decile and, on the concentration curve, a straight piece
ranked as (

    select
        as_of_date,
        method,
        measure,
        ranked_forecast,
        {{ midrank_score('customers_to_here - customers', 'customers', 'customers_total', 10) }} as decile,
        cast(2 * actual_to_here - actual as numeric(28, 2)) as twice_height
    from cumulated

),

judged as (

    select
        forecasts.*,
        ranked.decile,
        ranked.twice_height,
        cast(forecasts.forecast - forecasts.actual as {{ type_double() }}) as error
    from forecasts
    inner join ranked
        on
            forecasts.as_of_date = ranked.as_of_date
            and forecasts.method = ranked.method
            and forecasts.measure = ranked.measure
            and forecasts.ranked_forecast = ranked.ranked_forecast

)

select
    as_of_date,
    method,
    measure,
    decile,
    tier,
    cohort_quarter,
    cast(count(*) as integer) as customers,
    sum(actual) as actual_total,
    sum(forecast) as forecast_total,
    sum(cast(error * error as numeric(38, 9))) as squared_error,
    cast(sum(within_interval) as integer) as within_interval,
    sum(cast(abs(error) as numeric(28, 12))) as absolute_error,
    sum(twice_height) as twice_area
from judged
group by as_of_date, method, measure, decile, tier, cohort_quarter
