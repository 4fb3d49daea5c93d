{#-
  How far ahead purchases are expected, months: those that the history shows, and others that are asked for.

  Arguments   asked  list of integers, var clv_horizons_months; without it those of the history alone

  Returns     list of integers, ascending
-#}
{% macro clv_horizons(asked=[]) -%}
    {{ return((asked + [3, 6, 12, 24, 36]) | unique | sort) }}
{%- endmacro %}
