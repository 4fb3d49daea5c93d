{#-
  For tests that ask for rows: whether the run builds with any. With --empty, every ref has none.

  Returns     a condition, always true or always false
-#}
{% macro is_with_rows() -%}
    {{ return('1 = 0' if flags.EMPTY else '1 = 1') }}
{%- endmacro %}
