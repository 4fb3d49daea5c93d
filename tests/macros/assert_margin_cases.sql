-- ring 1: known cost, unknown cost, a half cent, a refund, nothing known
with cases (case_name, revenue, cost_amount, expected) as (

    values
    ('known cost', 10.00, 6.50, 3.50),
    ('cost above revenue', 10.00, 12.00, -2.00),
    ('known cost of nothing', 10.00, 0.00, 10.00),
    ('unknown cost', 10.00, null, 3.00),
    ('half a cent goes up', 0.05, null, 0.02),
    ('half a cent goes down below zero', -0.05, null, -0.02),
    ('no revenue', null, null, null)

),

typed as (

    select
        case_name,
        cast(revenue as numeric(18, 2)) as revenue,
        cast(cost_amount as numeric(18, 2)) as cost_amount,
        cast(expected as numeric(18, 2)) as expected
    from cases

),

actual as (

    select
        *,
        {{ margin('revenue', 'cost_amount', 0.30) }} as actual
    from typed

)

select *
from actual
where actual is distinct from expected
