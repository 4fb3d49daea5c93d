{#-
  Lines for check_vars: what the vars of the lifecycle stage hold that no model can work with.

  Returns     list of sentences that name the legal values and what came; empty when there is nothing to say
-#}
{% macro require_lifecycle_vars() -%}
    {%- set problems = [] -%}
    {%- do problems.extend(require_number('expected_gap_prior_weight', 0)) -%}
    {%- do problems.extend(require_number('churned_overdue_ratio', 0)) -%}
    {%- do problems.extend(require_number('churned_min_recency_days', 0, whole=true)) -%}
    {%- do problems.extend(require_number('decline_overdue_ratio', 0)) -%}
    {%- do problems.extend(require_number('decline_revenue_ratio', 0)) -%}
    {%- do problems.extend(require_number('formation_min_orders', 2, whole=true)) -%}
    {%- do problems.extend(require_number('stability_min_orders', 2, whole=true)) -%}
    {{ return(problems) }}
{%- endmacro %}
