with origins as (

    select * from {{ ref('int_clv_backtest_origins') }}

),

-- three reads of the history, each of its own slices and columns: read as one CTE, all of it would be written down
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
        history.spend_state,
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

),

-- the slice in which the period before the origin begins
earlier as (

    select
        origins.as_of_date,
        history.customer_id,
        history.recency_score,
        history.frequency_score,
        history.monetary_score,
        history.purchase_days,
        history.net_revenue
    from {{ ref('customer_value_history') }} as history
    inner join origins on history.as_of_date = origins.period_starts_after
    where history.order_count > 0

)

-- a first purchase is nothing to be repeated
select
    history.as_of_date,
    history.customer_id,
    history.tier,
    cast({{ dbt.date_trunc('quarter', 'history.first_order_date') }} as date) as cohort_quarter,
    history.recency_score,
    history.frequency_score,
    history.monetary_score,
    history.p_alive,
    history.expected_spend,
    history.spend_state,
    history.purchase_days,
    history.purchase_days - 1 as repeat_count,
    cast({{ dbt.datediff('history.first_order_date', 'history.as_of_date', 'day') }} as integer) as age_days, -- noqa: LT05
    history.has_whole_period,
    earlier.customer_id is not null as is_known_earlier,
    earlier.recency_score as earlier_recency_score,
    earlier.frequency_score as earlier_frequency_score,
    earlier.monetary_score as earlier_monetary_score,
    case
        when history.lifecycle_stage = 'churned' then 0
        else
            cast(history.frequency as {{ type_double() }}) * history.purchase_days / history.order_count
            * {{ var('clv_backtest_months') }} / {{ var('window_months') }}
    end as window_purchases,
    history.purchase_days - coalesce(earlier.purchase_days, 1) as period_purchases,
    case
        when earlier.customer_id is not null
            then cast(history.net_revenue - earlier.net_revenue as {{ type_double() }})
        else cast(history.net_revenue as {{ type_double() }}) * (history.purchase_days - 1) / history.purchase_days
    end as period_spend,
    later.purchase_days - history.purchase_days as actual_purchases,
    cast(later.net_revenue - history.net_revenue as numeric(18, 2)) as actual_spend
from history
inner join later on history.as_of_date = later.as_of_date and history.customer_id = later.customer_id
left join earlier on history.as_of_date = earlier.as_of_date and history.customer_id = earlier.customer_id
