-- ring 1 of abc_cumulative_share and abc_tier: the worked examples, exact borders, nothing to share, null
with cases (case_name, own_value, ahead, total, expected_share, expected_tier) as (

    values
    ('nobody ahead', 500, 0, 1000, 0.0, 'A'),
    ('exactly a, in cents that doubles would miss', 0.21, 0.84, 1.05, 0.8, 'B'),
    ('exactly b, likewise', 0.07, 1.33, 1.40, 0.95, 'C'),
    ('just below a', 1, 799, 1000, 0.799, 'A'),
    ('exactly a', 1, 800, 1000, 0.8, 'B'),
    ('just below b', 1, 949, 1000, 0.949, 'B'),
    ('exactly b', 1, 950, 1000, 0.95, 'C'),
    ('zero is C even with nobody ahead', 0, 0, 0, null, 'C'),
    ('negative', -1, 1000, 1000, 1.0, 'C'),
    ('no order', null, null, null, null, null)

),

shares as (

    select
        *,
        {{ abc_cumulative_share('ahead', 'total') }} as actual_share
    from cases

),

actual as (

    select
        *,
        {{ abc_tier('own_value', 'actual_share', 0.80, 0.95) }} as tier
    from shares

)

select *
from actual
where
    tier is distinct from expected_tier
    or (actual_share is null) <> (expected_share is null)
    or abs(actual_share - expected_share) > 1e-12
