{#-
  For tests that expect rows: whether the run has any. With --empty, every ref is empty.

  Returns     a condition, always true or always false
-#}
{% macro is_with_rows() -%}
    {{ return('1 = 0' if flags.EMPTY else '1 = 1') }}
{%- endmacro %}
