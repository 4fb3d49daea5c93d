-- ring 1 of text_of, is_not_finite and json_of_row: blanks, nulls, names that look like numbers
with cases (case_name, raw_a, raw_b, expected_text, expected_not_finite, expected_json) as (

    values
    ('plain', 'a 1', 'x', 'a 1', false, '{"a":"a 1","b":"x"}'),
    ('blanks', '  a ', null, 'a', false, '{"a":"  a ","b":null}'),
    ('only blanks', '  ', '', null, false, '{"a":"  ","b":""}'),
    ('nothing', null, null, null, false, '{"a":null,"b":null}'),
    ('not a number', 'NaN', '-inf', 'NaN', true, '{"a":"NaN","b":"-inf"}'),
    ('infinity', ' +Infinity', 'ten', '+Infinity', true, '{"a":" +Infinity","b":"ten"}'),
    ('a name', 'Nan', '1', 'Nan', true, '{"a":"Nan","b":"1"}'),
    ('a city', 'Nancy', '1', 'Nancy', false, '{"a":"Nancy","b":"1"}')

),

actual as (

    select
        *,
        {{ text_of('raw_a') }} as actual_text,
        {{ is_not_finite('raw_a') }} as actual_not_finite,
        {{ json_of_row(['a', 'b']) }} as actual_json
    from cases

)

select *
from actual
where
    actual_text is distinct from expected_text
    or actual_not_finite is distinct from expected_not_finite
    or actual_json is distinct from expected_json
