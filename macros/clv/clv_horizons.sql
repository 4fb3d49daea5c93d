{#-
  How far ahead purchases are expected, months: those asked for, and 12 and 36, which the history shows.

  Arguments   asked  list of integers, var clv_horizons_months

  Returns     list of integers, ascending
-#}
{% macro clv_horizons(asked) -%}
    {{ return((asked + [12, 36]) | unique | sort) }}
{%- endmacro %}
