-- ring 1: every way to write true and false, and values that are neither
with cases (case_name, raw, expected) as (

    values
    ('true', 'true', true),
    ('upper case', 'TRUE', true),
    ('t', 't', true),
    ('yes with blanks', ' Yes ', true),
    ('y', 'Y', true),
    ('1', '1', true),
    ('false', 'False', false),
    ('f', 'f', false),
    ('no', 'no', false),
    ('n', 'n', false),
    ('0', '0', false),
    ('maybe', 'maybe', null),
    ('2', '2', null),
    ('empty', '', null),
    ('nothing', null, null)

),

actual as (

    select
        case_name,
        raw,
        expected,
        {{ parsed_boolean('raw') }} as actual
    from cases

)

select *
from actual
where actual is distinct from expected
