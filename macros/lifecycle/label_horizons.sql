{#-
  Horizons of label_truth, months: 3, 6, 12, and the horizon of the lifecycle stage.

  Arguments   asked  list of one integer, var churn_horizon_months; without it, only the other three

  Returns     list of integers, ascending
-#}
{% macro label_horizons(asked=[]) -%}
    {{ return((asked + [3, 6, 12]) | unique | sort) }}
{%- endmacro %}
