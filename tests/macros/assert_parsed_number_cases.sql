-- ring 1: numbers, texts that only some engines would read, and halves of a cent
with cases (case_name, raw, expected) as (

    values
    ('whole', '12', 12.00),
    ('blanks around', ' 12.5 ', 12.50),
    ('sign', '-0.05', -0.05),
    ('plus', '+7', 7.00),
    ('no digit before the point', '.5', 0.50),
    ('no digit after the point', '5.', 5.00),
    ('half a cent goes up', '0.125', 0.13),
    ('half a cent goes down below zero', '-0.125', -0.13),
    ('largest that fits', '9999999999999999.99', 9999999999999999.99),
    ('a digit too many', '12345678901234567', null),
    ('exponent', '1e3', null),
    ('underscore', '1_000', null),
    ('thousands', '1,234.50', null),
    ('hexadecimal', '0x1A', null),
    ('currency sign', '$5', null),
    ('two points', '1.2.3', null),
    ('two signs', '--1', null),
    ('not a number', 'NaN', null),
    ('infinity', 'inf', null),
    ('a point alone', '.', null),
    ('word', 'ten', null),
    ('empty', '', null),
    ('blank', '   ', null),
    ('nothing', null, null)

),

actual as (

    select
        case_name,
        raw,
        cast(expected as numeric(18, 2)) as expected,
        {{ parsed_number('raw') }} as actual
    from cases

)

select *
from actual
where actual is distinct from expected
