{#-
  Whether a raw value is NaN or infinite, as a number of the engine or written as text.

  Arguments   raw  SQL expression
  Returns     boolean, never null
  Example     'NaN', ' -Infinity ' and 'inf' are, '1' and 'ten' are not
-#}
{% macro is_not_finite(raw) -%}
    (coalesce(lower({{ text_of(raw) }}), '') in ('nan', 'inf', '+inf', '-inf', 'infinity', '+infinity', '-infinity'))
{%- endmacro %}
