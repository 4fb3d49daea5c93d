{#-
  The labels that label_truth holds against what came: columns of customer_value_history, one a line.

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
