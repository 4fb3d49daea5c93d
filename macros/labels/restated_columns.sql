{#-
  The labels and measures that the ledger of restatements compares: those that follow from a customer's past. Predicted
  value is left out: one late row changes the fit, and so the predicted value of all customers a little.

  Returns     {column of customer_value_history: its type}
-#}
{% macro restated_columns() -%}
    {%- set money = 'numeric(18, 2)' -%}
    {{ return({
        'tier': dbt.type_string(), 'rfm_segment': dbt.type_string(), 'lifecycle_stage': dbt.type_string(),
        'net_revenue': money, 'monetary': money, 'order_count': 'integer', 'margin': money, 'realised_value': money,
    }) }}
{%- endmacro %}
