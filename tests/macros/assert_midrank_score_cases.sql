-- ring 1: the worked example, both ends, ties, another number of buckets, null
with cases (case_name, worse, equal, total, expected) as (

    values
    ('best of five', 4, 1, 5, 5),
    ('worst of five', 0, 1, 5, 1),
    ('all equal', 0, 1000, 1000, 3),
    ('one customer', 0, 1, 1, 3),
    ('two equals exactly on the border of 2', 1, 2, 10, 2),
    ('one of ten below the border of 2', 1, 1, 10, 1),
    ('best of ten million', 9999999, 1, 10000000, 5),
    ('nothing known', null, 1, 5, null)

),

actual as (

    select
        case_name,
        expected,
        {{ midrank_score('worse', 'equal', 'total') }} as actual
    from cases
    union all
    select
        'best of three in three buckets' as case_name,
        3 as expected,
        {{ midrank_score('2', '1', '3', buckets=3) }} as actual

)

select *
from actual
where actual is distinct from expected
