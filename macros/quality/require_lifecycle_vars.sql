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
    {%- do problems.extend(require_one_of('stage_method', ['calibrated', 'fixed'])) -%}
    {%- do problems.extend(require_number('churn_horizon_months', 1, 120, whole=true)) -%}
    {%- do problems.extend(require_number('label_lookback_months', 2, 1200, whole=true)) -%}
    {%- for name in ['churned_return_rate', 'churned_return_share', 'decline_return_share'] -%}
        {%- do problems.extend(require_number(name, 0, 1)) -%}
    {%- endfor -%}
    {%- do problems.extend(require_number('min_group_size', 1, whole=true)) -%}
    {%- do problems.extend(require_number('return_bins_per_ratio', 1, 100, whole=true)) -%}
    {%- do problems.extend(require_number('return_max_ratio', 2, 100, whole=true)) -%}
    {%- if not problems and var('label_lookback_months') <= var('churn_horizon_months') -%}
        {%- do problems.append(
            'var label_lookback_months must be above var churn_horizon_months, or no month-end within it has a known '
            ~ 'outcome; they are ' ~ var('label_lookback_months') ~ ' and ' ~ var('churn_horizon_months')
        ) -%}
    {%- endif -%}
    {%- if not problems and var('churned_return_share') > var('decline_return_share') -%}
        {%- do problems.append(
            'var churned_return_share must not be above var decline_return_share; they are '
            ~ var('churned_return_share') ~ ' and ' ~ var('decline_return_share')
        ) -%}
    {%- endif -%}
    {%- do problems.extend(require_number('formation_min_orders', 2, whole=true)) -%}
    {%- do problems.extend(require_number('stability_min_orders', 2, whole=true)) -%}
    {{ return(problems) }}
{%- endmacro %}
