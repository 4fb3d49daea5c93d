-- ring 3 of expected gap and lifecycle stage: the columns beside a stage must not contradict it
select
    as_of_date,
    customer_id,
    lifecycle_stage,
    order_count,
    overdue_ratio,
    expected_gap_days,
    monetary,
    previous_monetary
from {{ ref('customer_value_history') }}
where
    (lifecycle_stage = 'prospect') <> (order_count = 0)
    or (lifecycle_stage = 'exploration' and order_count >= {{ var('formation_min_orders') }})
    or (lifecycle_stage = 'formation' and order_count < {{ var('formation_min_orders') }})
    or (lifecycle_stage = 'stability' and order_count < {{ var('stability_min_orders') }})
    or (
        lifecycle_stage = 'decline'
        and coalesce(overdue_ratio < {{ var('decline_overdue_ratio') }}, true)
        and monetary >= {{ var('decline_revenue_ratio') }} * previous_monetary
    )
    or (lifecycle_stage = 'churned' and not coalesce(overdue_ratio >= {{ var('churned_overdue_ratio') }}, false))
    or (
        lifecycle_stage in ('exploration', 'formation', 'stability')
        and overdue_ratio >= {{ var('decline_overdue_ratio') }}
    )
    or not coalesce(expected_gap_days > 0, true)
    or not coalesce(abs(overdue_ratio * expected_gap_days - recency_days) < 1e-6, true)
