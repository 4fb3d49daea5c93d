-- ring 1: each threshold and one beyond it, in both directions, null
with cases (days, recency_expected, orders, frequency_expected) as (

    values
    (30, 5, 16, 5),
    (31, 4, 15, 4),
    (60, 4, 8, 4),
    (61, 3, 7, 3),
    (90, 3, 4, 3),
    (91, 2, 3, 2),
    (180, 2, 2, 2),
    (181, 1, 1, 1),
    (0, 5, 0, 1),
    (null, null, null, null)

),

actual as (

    select
        *,
        {{ cutoff_score('days', 180, 90, 60, 30, higher_is_better=false) }} as recency_actual,
        {{ cutoff_score('orders', 2, 4, 8, 16) }} as frequency_actual
    from cases

)

select *
from actual
where
    recency_actual is distinct from recency_expected
    or frequency_actual is distinct from frequency_expected
