-- How large were the errors of past forecasts, newest first, and of the simple methods, for all customers together?
-- Run it with: dbt show --select forecast_errors --limit 50
with backtest as (

    select * from {{ ref('clv_backtest') }}
    where bucket_type = 'all'

)

select
    as_of_date,
    measure,
    method, -- noqa: RF04
    cast(rmse as numeric(18, 3)) as rmse,
    cast(bias as numeric(18, 3)) as bias,
    cast(interval_coverage as numeric(18, 3)) as interval_coverage
from backtest
order by as_of_date desc, measure asc, rmse asc
