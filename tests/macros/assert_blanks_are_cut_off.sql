-- ring 1 of text_of and email_key: blanks of every kind around a text are removed, blanks within it stay, and e-mails
-- are equal however their accents are composed (Spark has no function for that)
with cases (case_name, raw, expected_text, expected_email) as (

    values
    {% for blank in blank_characters() -%}
    {%- set code = 'U+%04X' | format(blank.encode('utf-16-be').hex() | int(base=16)) -%}
    ('{{ code }} before', '{{ blank }}A1', 'A1', 'a1'),
    ('{{ code }} after', 'A1{{ blank ~ blank }}', 'A1', 'a1'),
    ('{{ code }} alone', '{{ blank ~ blank }}', null, null),
    {% endfor -%}
    ('several kinds', '{{ " \u200b\tnb01\u00a0\r\n\ufeff" }}', 'nb01', 'nb01'),
    ('within', '{{ "A \u00a0\u200b1" }}', '{{ "A \u00a0\u200b1" }}', '{{ "a \u00a0\u200b1" }}'),
    ('none', 'nb01', 'nb01', 'nb01'),
    ('one character', 'n', 'n', 'n'),
    (
        'letters beyond ASCII', '{{ "\u00e9t\u00e9 \u00e0 Orl\u00e9ans\u00e0" }}',
        '{{ "\u00e9t\u00e9 \u00e0 Orl\u00e9ans\u00e0" }}', '{{ "\u00e9t\u00e9 \u00e0 orl\u00e9ans\u00e0" }}'
    ),
    ('composed', '{{ "Ren\u00e9@x.org" }}', '{{ "Ren\u00e9@x.org" }}', '{{ "ren\u00e9@x.org" }}'),
    (
        'decomposed', '{{ "Rene\u0301@x.org" }}', '{{ "Rene\u0301@x.org" }}',
        '{{ "rene\u0301@x.org" if target.type == "spark" else "ren\u00e9@x.org" }}'
    )

),

actual as (

    select
        *,
        {{ text_of('raw') }} as actual_text,
        {{ email_key(text_of('raw')) }} as actual_email
    from cases

)

select *
from actual
where
    actual_text is distinct from expected_text
    or actual_email is distinct from expected_email
