-- ring 3 of expected gap and lifecycle stage: the columns beside a stage must not contradict it
select
    as_of_date,
    customer_id,
    lifecycle_stage,
    order_count,
    overdue_ratio,
    expected_gap_days
from {{ ref('customer_value') }}
where
    (lifecycle_stage = 'prospect') <> (order_count = 0)
    or (lifecycle_stage = 'exploration' and order_count <> 1)
    or (lifecycle_stage = 'churned' and not coalesce(overdue_ratio >= {{ var('churned_overdue_ratio') }}, false))
    or (
        lifecycle_stage in ('exploration', 'formation', 'stability')
        and overdue_ratio >= {{ var('decline_overdue_ratio') }}
    )
    or not coalesce(expected_gap_days > 0, true)
    or not coalesce(abs(overdue_ratio * expected_gap_days - recency_days) < 1e-6, true)
