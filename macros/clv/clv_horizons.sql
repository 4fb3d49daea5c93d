{#-
  Horizons of expected purchases, months: the five of the history, and others that var clv_horizons_months adds.

  Arguments   asked  list of integers, var clv_horizons_months; without it, only the five of the history

  Returns     list of integers, ascending
-#}
{% macro clv_horizons(asked=[]) -%}
    {{ return((asked + [3, 6, 12, 24, 36]) | unique | sort) }}
{%- endmacro %}
