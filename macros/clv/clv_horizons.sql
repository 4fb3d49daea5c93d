{#-
  How far ahead purchases are expected, months: those of var clv_horizons_months, and 12 and 36, which the history shows.

  Returns     list of integers, ascending
-#}
{% macro clv_horizons() -%}
    {{ return((var('clv_horizons_months') + [12, 36]) | unique | sort) }}
{%- endmacro %}
