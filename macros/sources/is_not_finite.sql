{#-
  Whether a raw value is NaN or infinite, as a number of the engine or written as text.

  Arguments   raw  SQL expression
  Returns     boolean, never null
  Example     'NaN', ' -Infinity ' and 'inf' are, '1' and 'ten' are not
  Three constants: of a longer list DuckDB makes a join, which looks at every row before any case can spare it that.
-#}
{% macro is_not_finite(raw) -%}
    (coalesce(replace(replace(lower({{ text_of(raw) }}), '-', ''), '+', ''), '') in ('nan', 'inf', 'infinity'))
{%- endmacro %}
