{#-
  The values by which the ABC tier can rank customers.

  Returns     {value of var abc_value: column of customer_value_history that holds it}
-#}
{% macro abc_value_columns() -%}
    {{ return({
        'revenue': 'net_revenue', 'margin': 'margin', 'window_revenue': 'monetary', 'window_margin': 'window_margin',
        'lifetime_value': 'lifetime_value',
    }) }}
{%- endmacro %}
