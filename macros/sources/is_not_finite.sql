{#-
  Whether a raw value is NaN or infinite, as a number of the engine or written as text.

  Arguments   raw  SQL expression
  Returns     boolean, never null
  Example     'NaN', ' -Infinity ' and 'inf' are, '1' and 'ten' are not
  Three constants only: DuckDB turns a longer list into a join, which reads every row before a case can skip it.
-#}
{% macro is_not_finite(raw) -%}
    (coalesce(replace(replace(lower({{ text_of(raw) }}), '-', ''), '+', ''), '') in ('nan', 'inf', 'infinity'))
{%- endmacro %}
