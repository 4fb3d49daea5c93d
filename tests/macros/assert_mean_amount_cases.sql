-- ring 1: halves of a cent, which engines round differently when they divide doubles; null
with cases (case_name, total, customers, expected) as (

    values
    ('half a cent goes up', 3272.75, 10, 327.28),
    ('half a cent goes down below zero', -3272.75, 10, -327.28),
    ('half of one cent', 0.01, 2, 0.01),
    ('just below half', 0.49, 100, 0.00),
    ('a third', 100.00, 3, 33.33),
    ('two thirds', 200.00, 3, 66.67),
    ('one customer', 12.34, 1, 12.34),
    ('large', 9999999999.99, 7, 1428571428.57),
    ('zero', 0.00, 5, 0.00),
    ('nothing', null, 5, null)

),

actual as (

    select
        case_name,
        cast(expected as numeric(18, 2)) as expected,
        {{ mean_amount('cast(total as numeric(18, 2))', 'customers') }} as actual
    from cases

)

select *
from actual
where actual is distinct from expected
