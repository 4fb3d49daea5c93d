{#-
  The labels and measures that the ledger of restatements compares: what a closed slice says of a customer's past and
  what follows from it. Predicted value is left out: one late row moves the fit, and with it everybody's by a little.

  Returns     {column of customer_value_history: its type}
-#}
{% macro restated_columns() -%}
    {%- set money = 'numeric(18, 2)' -%}
    {{ return({
        'tier': dbt.type_string(), 'rfm_segment': dbt.type_string(), 'lifecycle_stage': dbt.type_string(),
        'net_revenue': money, 'monetary': money, 'order_count': 'integer', 'margin': money, 'realised_value': money,
    }) }}
{%- endmacro %}
