{#-
  Lines for check_vars: what the vars of predicted value hold that no model can work with.

  Returns     list of sentences that name the legal values and what came; empty when there is nothing to say
-#}
{% macro require_clv_vars() -%}
    {%- set problems = [] -%}
    {%- do problems.extend(require_one_of('clv_model', ['pareto_nbd', 'mbg_nbd', 'bg_nbd'])) -%}
    {%- do problems.extend(require_one_of('clv_method', ['model', 'last_window', 'auto'])) -%}
    {%- do problems.extend(require_number('clv_refit_months', 1, 120, whole=true)) -%}
    {%- do problems.extend(require_number('clv_min_repeat_customers', 1, whole=true)) -%}
    {%- do problems.extend(require_number('clv_interval', 0.01, 0.999)) -%}
    {%- do problems.extend(require_number('clv_backtest_months', 1, 120, whole=true)) -%}
    {%- do problems.extend(require_one_of('p_order_method', ['auto', 'model', 'overdue_ratio'])) -%}
    {%- do problems.extend(require_number('p_order_prior_origins', 0)) -%}
    {%- do problems.extend(require_number('p_order_prior_customers', 1)) -%}
    {%- do problems.extend(require_number('churn_risk_medium', 0, 1)) -%}
    {%- do problems.extend(require_number('churn_risk_high', 0, 1)) -%}
    {%- if not problems and var('churn_risk_medium') > var('churn_risk_high') -%}
        {%- do problems.append(
            'var churn_risk_medium must not be above var churn_risk_high; they are ' ~ var('churn_risk_medium') ~ ' and '
            ~ var('churn_risk_high')
        ) -%}
    {%- endif -%}
    {%- set months = var('clv_horizons_months') -%}
    {%- if months is string or months is not sequence or not months
        or months | select('integer') | list != months | list or months | min < 1 or months | max > 120
        or months | sort | unique | list != months | list -%}
        {%- do problems.append(
            'var clv_horizons_months must be a rising list of whole months, 1 to 120; it is ' ~ months | string
        ) -%}
    {%- endif -%}
    {{ return(problems) }}
{%- endmacro %}
