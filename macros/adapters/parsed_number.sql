{#-
  A raw value as a number, or null where it is no number: never an error, and the same answer on every engine. Text must
  be digits with an optional sign and decimal point; other forms that some engines read (1e3, 1_000, NaN) are null.

  Arguments   raw        SQL expression: text, or any number type
              precision  digits in all
              scale      digits after the point; further ones are rounded, halves away from zero. 0 takes whole
                         numbers only
  Returns     numeric(precision, scale) or null
  Example     ' -12.345 ' at (18, 2) gives -12.35 (DuckDB rounds text as it does numbers)
-#}
{% macro parsed_number(raw, precision=18, scale=2) -%}
    {%- set whole = '[0-9]{1,' ~ (precision - scale) ~ '}' -%}
    {%- set pattern = '^ *[+-]?(' ~ (whole if scale == 0 else whole ~ '([.][0-9]*)?|[.][0-9]+') ~ ') *$' -%}
    {{ return(adapter.dispatch('parsed_number', 'customer_value_warehouse')(
        raw, 'numeric(' ~ precision ~ ', ' ~ scale ~ ')', pattern, precision - scale
    )) }}
{%- endmacro %}

{# typeof is folded when the query is planned: a column that is a number already costs nothing #}
{% macro default__parsed_number(raw, sql_type, pattern, digits) -%}
    (case
        when typeof({{ raw }}) <> 'VARCHAR' or regexp_matches(cast({{ raw }} as varchar), '{{ pattern }}')
            then try_cast({{ raw }} as {{ sql_type }})
    end)
{%- endmacro %}

{% macro spark__parsed_number(raw, sql_type, pattern, digits) -%}
    (case
        when typeof({{ raw }}) <> 'string' or cast({{ raw }} as string) rlike '{{ pattern }}'
            then try_cast({{ raw }} as {{ sql_type }})
    end)
{%- endmacro %}

{# no try_cast: a value is cast only if it is a number that fits; the outer cast keeps its scale #}
{% macro postgres__parsed_number(raw, sql_type, pattern, digits) -%}
    (cast(case
        when cast({{ raw }} as text) ~ '{{ pattern }}' then cast(cast({{ raw }} as text) as {{ sql_type }})
        when
            cast(pg_typeof({{ raw }}) as text) in ('double precision', 'real', 'numeric')
            and abs(cast(cast({{ raw }} as text) as double precision)) < 1e{{ digits - 1 }}
            then cast(cast({{ raw }} as text) as {{ sql_type }})
    end as {{ sql_type }}))
{%- endmacro %}
