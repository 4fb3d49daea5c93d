-- ring 1: every stage, every border on both sides, which rule wins, null
with cases (case_name, orders, recency, overdue, monetary, previous, expected) as (

    values
    ('no order', 0, null, null, 0.0, 0.0, 'prospect'),
    ('orders unknown', null, null, null, null, null, 'prospect'),
    ('worked example', 5, 90, 3.0, 10.0, 0.0, 'decline'),
    ('first order', 1, 5, 0.2, 10.0, 0.0, 'exploration'),
    ('second order', 2, 5, 0.2, 10.0, 0.0, 'formation'),
    ('third order', 3, 5, 0.2, 10.0, 0.0, 'formation'),
    ('fourth order', 4, 5, 0.2, 10.0, 0.0, 'stability'),
    ('just under decline', 9, 59, 1.99, 10.0, 10.0, 'stability'),
    ('overdue twice', 9, 60, 2.0, 10.0, 10.0, 'decline'),
    ('just under churned', 9, 119, 3.99, 10.0, 10.0, 'decline'),
    ('overdue four times', 9, 120, 4.0, 10.0, 10.0, 'churned'),
    ('overdue four times, but 30 days', 9, 30, 4.0, 10.0, 10.0, 'decline'),
    ('overdue four times, 31 days', 9, 31, 4.0, 10.0, 10.0, 'churned'),
    ('revenue exactly half', 9, 1, 0.1, 50.0, 100.0, 'stability'),
    ('revenue under half', 9, 1, 0.1, 49.99, 100.0, 'decline'),
    ('nothing to fall from', 9, 1, 0.1, -5.0, 0.0, 'stability'),
    ('previous window negative', 9, 1, 0.1, -5.0, -1.0, 'stability'),
    ('one order, long overdue', 1, 400, 9.0, 0.0, 10.0, 'churned'),
    ('no rhythm known', 1, 400, null, 10.0, 0.0, 'exploration')

),

-- nobody reaches a null threshold
unlearned (case_name, orders, recency, overdue, monetary, previous, churned_at, decline_at, fallen_at, expected) as (

    values
    ('never churned', 9, 400, 9.0, 10.0, 10.0, null, 2.0, 0.5, 'decline'),
    ('never overdue', 9, 400, 9.0, 10.0, 10.0, null, null, 0.5, 'stability'),
    ('never overdue, but fallen', 9, 400, 9.0, 4.0, 10.0, null, null, 0.5, 'decline'),
    ('never in decline', 9, 400, 9.0, 4.0, 10.0, null, null, null, 'stability'),
    ('fallen, which is no decline', 9, 1, 0.1, 4.0, 10.0, 4.0, 2.0, null, 'stability'),
    ('learned earlier', 9, 40, 1.5, 10.0, 10.0, 1.5, 1.0, 0.5, 'churned')

),

actual as (

    select
        *,
        {{ lifecycle_stage('orders', 'recency', 'overdue', 'monetary', 'previous', 4, 30, 2, 0.5, 4, 2) }} as actual
    from cases
    union all
    select
        case_name,
        orders,
        recency,
        overdue,
        monetary,
        previous,
        expected,
        {{ lifecycle_stage(
            'orders', 'recency', 'overdue', 'monetary', 'previous', 'churned_at', 30, 'decline_at', 'fallen_at', 4, 2
        ) }} as actual
    from unlearned

)

select *
from actual
where actual is distinct from expected
