-- ring 3: deciles, tiers and cohorts each hold every customer of the origin once, for every method; actual purchases
-- and spend are those of the history, whatever the method
with backtest as (

    select * from {{ ref('clv_backtest') }}

),

history as (

    select
        as_of_date,
        count(*) as customers,
        cast(sum(purchase_days) as {{ type_double() }}) as purchase_days,
        cast(sum(net_revenue) as {{ type_double() }}) as net_revenue
    from {{ ref('customer_value_history') }}
    where order_count > 0
    group by as_of_date

),

origins as (

    select distinct
        as_of_date,
        holdout_ends_on
    from backtest

),

-- customers with their first order in the holdout are not in its actuals
newcomers as (

    select
        origins.as_of_date,
        cast(sum(later.purchase_days) as {{ type_double() }}) as purchase_days,
        cast(sum(later.net_revenue) as {{ type_double() }}) as net_revenue
    from origins
    inner join {{ ref('customer_value_history') }} as later
        on origins.holdout_ends_on = later.as_of_date and origins.as_of_date < later.first_order_date
    group by origins.as_of_date

),

totals as (

    select
        as_of_date,
        holdout_ends_on,
        method,
        measure,
        bucket_type,
        sum(customers) as customers,
        sum(actual_total) as actual_total,
        sum(forecast_total) as forecast_total,
        sum(rmse * rmse * customers) as squared_error
    from backtest
    group by as_of_date, holdout_ends_on, method, measure, bucket_type

),

wholes as (

    select * from totals
    where bucket_type = 'all'

)

select totals.*
from totals
inner join wholes
    on totals.as_of_date = wholes.as_of_date and totals.method = wholes.method and totals.measure = wholes.measure
inner join history on totals.as_of_date = history.as_of_date
inner join history as later on totals.holdout_ends_on = later.as_of_date
left join newcomers on totals.as_of_date = newcomers.as_of_date
where
    totals.customers <> history.customers
    or abs(totals.forecast_total - wholes.forecast_total) > 1e-9 * (1 + abs(wholes.forecast_total))
    or abs(totals.squared_error - wholes.squared_error) > 1e-9 * (1 + wholes.squared_error)
    or abs(totals.actual_total - case
        when totals.measure = 'purchases'
            then later.purchase_days - history.purchase_days - coalesce(newcomers.purchase_days, 0)
        else later.net_revenue - history.net_revenue - coalesce(newcomers.net_revenue, 0)
    end) > 0.005
