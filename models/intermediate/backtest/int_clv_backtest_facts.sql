with origins as (

    select * from {{ ref('int_clv_backtest_origins') }}

),

holdouts as (

    select * from {{ ref('int_clv_backtest_holdouts') }}

),

-- the slice at which the period before the origin begins
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

-- the first purchase is not a repeat purchase
select
    holdouts.as_of_date,
    holdouts.customer_id,
    holdouts.tier,
    cast({{ dbt.date_trunc('quarter', 'holdouts.first_order_date') }} as date) as cohort_quarter,
    holdouts.recency_score,
    holdouts.frequency_score,
    holdouts.monetary_score,
    holdouts.p_alive,
    holdouts.expected_spend,
    holdouts.purchase_days,
    holdouts.purchase_days - 1 as repeat_count,
    cast({{ dbt.datediff('holdouts.first_order_date', 'holdouts.as_of_date', 'day') }} as integer) as age_days, -- noqa: LT05
    holdouts.has_whole_period,
    earlier.customer_id is not null as is_known_earlier,
    earlier.recency_score as earlier_recency_score,
    earlier.frequency_score as earlier_frequency_score,
    earlier.monetary_score as earlier_monetary_score,
    holdouts.window_purchases,
    holdouts.purchase_days - coalesce(earlier.purchase_days, 1) as period_purchases,
    case
        when earlier.customer_id is not null
            then cast(holdouts.net_revenue - earlier.net_revenue as {{ type_double() }})
        else cast(holdouts.net_revenue as {{ type_double() }}) * (holdouts.purchase_days - 1) / holdouts.purchase_days
    end as period_spend,
    holdouts.actual_purchases,
    holdouts.actual_spend
from holdouts
left join earlier on holdouts.as_of_date = earlier.as_of_date and holdouts.customer_id = earlier.customer_id
