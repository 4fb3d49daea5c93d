-- ring 1: the worked example, equality, one customer with everything, no value, no customers
with cases (case_name, twice_area, customers, total_value, expected) as (

    values
    ('worked example', 580.00, 4, 100.00, 0.45),
    ('all the same', 1600.00, 4, 400.00, 0.0),
    ('one of four holds all', 700.00, 4, 100.00, 0.75),
    ('one customer', 100.00, 1, 100.00, 0.0),
    ('no value', 0.00, 4, 0.00, null),
    ('nobody', null, null, null, null)

),

actual as (

    select
        case_name,
        cast(expected as {{ type_double() }}) as expected,
        {{ gini('twice_area', 'customers', 'total_value') }} as actual
    from cases

)

select *
from actual
where
    (actual is null) <> (expected is null)
    or abs(actual - expected) > 1e-12
