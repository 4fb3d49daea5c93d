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
