-- ring 1: no time, no rate, a year, a negative time, a negative amount, null
with cases (case_name, amount, days, rate, expected) as (

    values
    ('today', 100.0, 0, 0.10, 100.0),
    ('in a year', 110.0, 365, 0.10, 100.0),
    ('in two years', 121.0, 730, 0.10, 100.0),
    ('a fifth of a year', 100.0, 73, 0.10, 98.11184957), -- 100 over the fifth root of 1.1
    ('a year ago', 100.0, -365, 0.10, 110.0),
    ('no rate', 100.0, 10000, 0.0, 100.0),
    ('money that goes', -110.0, 365, 0.10, -100.0),
    ('no date', 100.0, null, 0.10, null),
    ('no amount', null, 1, 0.10, null)

),

actual as (

    select
        *,
        {{ discounted_value('amount', 'days', 'rate') }} as actual
    from cases

)

select *
from actual
where
    (actual is null) <> (expected is null)
    or abs(actual - expected) > 1e-6
