with origins as (

    select * from {{ ref('int_clv_backtest_origins') }}

),

-- two reads of the history, each with its own slices and columns: one shared CTE would materialize the whole history
history as (

    select
        history.as_of_date,
        history.customer_id,
        history.tier,
        history.lifecycle_stage,
        history.frequency,
        history.recency_score,
        history.frequency_score,
        history.monetary_score,
        history.first_order_date,
        history.order_count,
        history.purchase_days,
        history.net_revenue,
        history.p_alive,
        history.expected_spend,
        origins.has_whole_period
    from {{ ref('customer_value_history') }} as history
    inner join origins on history.as_of_date = origins.as_of_date
    where history.order_count > 0

),

later as (

    select
        origins.as_of_date,
        history.customer_id,
        history.purchase_days,
        history.net_revenue
    from {{ ref('customer_value_history') }} as history
    inner join origins on history.as_of_date = origins.holdout_ends_on
    where history.order_count > 0

)

-- only one large join per model: DuckDB keeps all hash tables of a query in memory
select
    history.as_of_date,
    history.customer_id,
    history.tier,
    history.first_order_date,
    history.purchase_days,
    history.net_revenue,
    history.recency_score,
    history.frequency_score,
    history.monetary_score,
    history.p_alive,
    history.expected_spend,
    history.has_whole_period,
    {{ last_window_rate(
        "history.lifecycle_stage = 'churned'", 'history.frequency', 'history.purchase_days', 'history.order_count',
        var('window_months')
    ) }} * {{ var('clv_backtest_months') }} as window_purchases,
    later.purchase_days - history.purchase_days as actual_purchases,
    cast(later.net_revenue - history.net_revenue as numeric(18, 2)) as actual_spend
from history
inner join later on history.as_of_date = later.as_of_date and history.customer_id = later.customer_id
