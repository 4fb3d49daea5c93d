-- ring 1 of months_between: only years and months count, also from the end of a long month to the end of a short one
with cases (case_name, first_date, second_date, expected) as (

    values
    ('one day to the next month', '2023-08-31', '2023-09-01', 1),
    ('ends of a long and a short month', '2023-08-31', '2023-09-30', 1),
    ('ends of a short and a long month', '2023-09-30', '2023-10-31', 1),
    ('half a year', '2023-03-31', '2023-09-30', 6),
    ('within a month', '2023-09-01', '2023-09-30', 0),
    ('over the turn of a year', '2022-12-31', '2024-01-01', 13),
    ('backwards', '2024-01-15', '2023-11-30', -2),
    ('no date', null, '2023-09-30', null)

),

actual as (

    select
        case_name,
        expected,
        {{ months_between('cast(first_date as date)', 'cast(second_date as date)') }} as actual
    from cases

)

select *
from actual
where actual is distinct from expected
