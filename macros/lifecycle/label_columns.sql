{#-
  The labels that label_truth compares with outcomes: columns of customer_value_history, one per line.

  Returns     list of names of columns
-#}
{% macro label_columns() -%}
    {{ return([
        'lifecycle_stage',
        'tier',
        'rfm_segment',
        'churn_risk',
    ]) }}
{%- endmacro %}
