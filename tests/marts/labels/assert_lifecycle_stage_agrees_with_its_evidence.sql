-- ring 3 of expected gap and lifecycle stage: the columns beside a stage, and the thresholds of its date, must not
-- contradict the stage; a null threshold puts nobody into its stage
with history as (

    select * from {{ ref('customer_value_history') }}

),

thresholds as (

    select * from {{ ref('tier_thresholds') }}

),

judged as (

    select
        history.*,
        coalesce(history.overdue_ratio >= thresholds.churned_overdue_ratio, false) as is_overdue_as_churned,
        coalesce(history.overdue_ratio >= thresholds.decline_overdue_ratio, false) as is_overdue,
        coalesce(history.monetary < thresholds.decline_revenue_ratio * history.previous_monetary, false) as has_fallen
    from history
    inner join thresholds on history.as_of_date = thresholds.as_of_date

)

select
    as_of_date,
    customer_id,
    lifecycle_stage,
    order_count,
    overdue_ratio,
    expected_gap_days,
    monetary,
    previous_monetary
from judged
where
    (lifecycle_stage = 'prospect') <> (order_count = 0)
    or (lifecycle_stage = 'exploration' and order_count >= {{ var('formation_min_orders') }})
    or (lifecycle_stage = 'formation' and order_count < {{ var('formation_min_orders') }})
    or (lifecycle_stage = 'stability' and order_count < {{ var('stability_min_orders') }})
    or (lifecycle_stage = 'decline' and not is_overdue and not has_fallen)
    or (lifecycle_stage = 'churned' and not is_overdue_as_churned)
    or (lifecycle_stage in ('exploration', 'formation', 'stability') and is_overdue)
    or not coalesce(expected_gap_days > 0, true)
    or not coalesce(abs(overdue_ratio * expected_gap_days - recency_days) < 1e-6, true)
