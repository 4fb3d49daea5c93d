-- ring 1: the textbook example (100 customers losing 20 a year live 5 years, losing 10 live 10), the ends, null
with cases (customers, lost, expected) as (

    values
    (100, 20, 5.0),
    (100, 10, 10.0),
    (100, 100, 1.0),
    (3, 2, 1.5),
    (100, 0, null),
    (100, null, null)

),

actual as (

    select
        *,
        {{ expected_lifetime('customers', 'lost') }} as actual
    from cases

)

select *
from actual
where
    (actual is null) <> (expected is null)
    or abs(actual - expected) > 1e-12
