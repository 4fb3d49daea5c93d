-- ring 1: a rate, half a cent, a refund, nothing to convert, null
with cases (case_name, amount, rate, expected) as (

    values
    ('worked example', 10.05, 1.1, 11.06),
    ('half a cent goes up', 0.05, 0.1, 0.01),
    ('half a cent goes down below zero', -0.05, 0.1, -0.01),
    ('eight digits of a rate', 1000000.00, 0.00912345, 9123.45),
    ('reporting currency', 10.05, null, 10.05),
    ('no amount', null, 1.1, null),
    ('nothing', null, null, null)

),

typed as (

    select
        case_name,
        cast(amount as numeric(18, 2)) as amount,
        cast(rate as numeric(18, 8)) as rate,
        cast(expected as numeric(18, 2)) as expected
    from cases

),

actual as (

    select
        *,
        {{ converted('amount', 'rate') }} as actual
    from typed

)

select *
from actual
where actual is distinct from expected
