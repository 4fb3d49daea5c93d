-- ring 1: the worked example, no own gap, no prior, a long history, nobody ever returned
with cases (case_name, gap_days, gap_count, population, expected) as (

    values
    ('worked example', 30, 2, 30.0, 22.5),
    ('no gap yet', 0, 0, 30.0, 30.0),
    ('a long history outweighs the population', 7000, 998, 107.0, 7.214),
    ('nobody ever returned', 0, 0, null, null)

),

actual as (

    select
        case_name,
        expected,
        {{ expected_gap('gap_days', 'gap_count', 'population', 2) }} as actual
    from cases
    union all
    select 'no prior, own mean' as case_name, 15.0 as expected, {{ expected_gap('30', '2', '99', 0) }} as actual
    union all
    select 'no prior, no gap' as case_name, null as expected, {{ expected_gap('0', '0', '99', 0) }} as actual

)

select *
from actual
where
    (actual is null) <> (expected is null)
    or abs(actual - expected) > 1e-9
