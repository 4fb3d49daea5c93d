-- ring 1 of movement_cause: each cause once, and the order in which they are tried
with cases (opening, closing, counterfactual, is_active, cause) as (

    values
    ('B', 'B', 'A', true, 'none'),
    ('A', 'B', 'A', true, 'threshold_shift'),
    ('A', 'B', 'A', false, 'threshold_shift'),
    ('A', 'B', 'B', true, 'behaviour'),
    ('A', 'B', 'C', true, 'behaviour'),
    ('A', 'B', 'B', false, 'ageing'),
    ('A', 'B', 'C', false, 'ageing')

),

actual as (

    select
        *,
        {{ movement_cause('opening', 'closing', 'counterfactual', 'is_active') }} as actual_cause
    from cases

)

select *
from actual
where actual_cause is distinct from cause
