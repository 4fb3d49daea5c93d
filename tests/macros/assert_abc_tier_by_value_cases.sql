-- ring 1 of abc_tier_by_value: the worked example, both borders, no threshold at all, null
with cases (own_value, value_a, value_b, tier) as (

    values
    (80.00, 80.00, 30.00, 'A'),
    (79.99, 80.00, 30.00, 'B'),
    (30.00, 80.00, 30.00, 'B'),
    (29.99, 80.00, 30.00, 'C'),
    (0.00, 80.00, 30.00, 'C'),
    (50.00, 50.00, 50.00, 'A'),
    (0.00, null, null, 'C'),
    (null, 80.00, 30.00, null)

),

actual as (

    select
        *,
        {{ abc_tier_by_value('own_value', 'value_a', 'value_b') }} as actual_tier
    from cases

)

select *
from actual
where actual_tier is distinct from tier
