-- ring 1: each stage at the opening and at the close, and a threshold that moved
with cases (case_name, from_stage, to_stage, is_relabelled, expected) as (

    values
    ('first order', 'not known', 'exploration', false, 'new'),
    ('first order of who was known', 'prospect', 'formation', false, 'new'),
    ('first order long ago, known late', 'not known', 'churned', false, null),
    ('still no order', 'prospect', 'prospect', false, null),
    ('stays', 'formation', 'stability', false, 'retained'),
    ('stays, called otherwise', 'stability', 'decline', true, 'retained'),
    ('silent', 'decline', 'churned', false, 'churned'),
    ('silent by a new threshold', 'decline', 'churned', true, 'relabelled_churned'),
    ('stays away', 'churned', 'churned', false, null),
    ('comes back', 'churned', 'formation', false, 'resurrected'),
    ('is back by a new threshold', 'churned', 'decline', true, 'relabelled_active')

),

actual as (

    select
        case_name,
        expected,
        {{ customer_flow('from_stage', 'to_stage', 'is_relabelled') }} as actual
    from cases

)

select *
from actual
where actual is distinct from expected
