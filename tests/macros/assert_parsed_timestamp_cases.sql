-- ring 1: which texts are times. Dates without a time are compared, because no zone moves them; for times the test
-- checks only whether they are read, because vars decide their wall clock time (unit test
-- the_zone_is_changed_before_the_day_is_taken)
with cases (case_name, raw, expected_day, is_time) as (

    values
    ('day', '2024-05-01', '2024-05-01', true),
    ('blanks around', ' 2024-05-01 ', '2024-05-01', true),
    ('leap day', '2024-02-29', '2024-02-29', true),
    ('leap day of a century', '2000-02-29', '2000-02-29', true),
    ('last day of a long month', '2024-12-31', '2024-12-31', true),
    ('minutes', '2024-05-01 10:30', null, true),
    ('seconds', '2024-05-01 23:59:59', null, true),
    ('parts of a second', '2024-05-01T10:30:00.123456', null, true),
    ('Z', '2024-05-01T10:30:00Z', null, true),
    ('offset', '2024-05-01 10:30:00+05:30', null, true),
    ('offset of hours', '2024-05-01 10:30:00-05', null, true),
    ('offset without a colon', '2024-05-01T10:30:00+0200', null, true),
    ('offset after a blank', '2024-05-01 10:30:00 -0400', null, true),
    ('offset of hours after a blank', '2024-05-01 10:30:00.5 +02', null, true),
    ('UTC', '2024-05-01 10:30:00 UTC', null, true),
    ('GMT', '2024-05-01 10:30GMT', null, true),
    ('an offset after minutes', '2024-05-01 10:30+02', null, true),
    ('Z after a blank', '2024-05-01 10:30:00 Z ', null, true),
    ('two blanks before the zone', '2024-05-01 10:30:00  UTC', null, false),
    ('a zone of many offsets', '2024-05-01 10:30:00 EST', null, false),
    ('no such offset', '2024-05-01 10:30:00 +1500', null, false),
    ('half an offset', '2024-05-01 10:30:00+020', null, false),
    ('a zone after a date', '2024-05-01 UTC', null, false),
    ('no leap year', '2023-02-29', null, false),
    ('no leap century', '1900-02-29', null, false),
    ('no such day', '2024-02-30', null, false),
    ('no such day of a short month', '2024-04-31', null, false),
    ('no such month', '2023-13-01', null, false),
    ('day zero', '2024-05-00', null, false),
    ('hour 24', '2024-05-01 24:00:00', null, false),
    ('minute 60', '2024-05-01 10:60:00', null, false),
    ('another order', '31/12/2023', null, false),
    ('year too early', '0001-01-01', null, false),
    ('year too late', '29000-01-01', null, false),
    ('one digit', '2024-5-1', null, false),
    ('word', 'yesterday', null, false),
    ('infinity', 'infinity', null, false),
    ('epoch', 'epoch', null, false),
    ('seconds since 1970', '1714521600', null, false),
    ('empty', '', null, false),
    ('nothing', null, null, false)

),

actual as (

    select
        case_name,
        raw,
        cast(expected_day as date) as expected_day,
        is_time,
        {{ parsed_timestamp('raw') }} as actual
    from cases

)

select *
from actual
where
    (actual is not null) is distinct from is_time
    or (expected_day is not null and cast(actual as date) is distinct from expected_day)
