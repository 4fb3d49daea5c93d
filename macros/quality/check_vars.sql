{#-
  Stop the run, before anything is built, when a var of dbt_project.yml holds what no model can work with.
  Runs on-run-start. Raises a compiler error that names every var at fault, its legal values and what came.
-#}
{% macro check_vars() -%}
    {%- set problems = [] -%}
    {%- do problems.extend(require_one_of('rfm_method', ['midrank', 'ntile', 'cutoffs'])) -%}
    {%- do problems.extend(require_one_of('abc_value', ['revenue', 'margin'])) -%}
    {%- do problems.extend(require_number('window_months', 1, whole=true)) -%}
    {%- do problems.extend(require_number('default_margin_rate', 0, 1)) -%}
    {%- do problems.extend(require_number('annual_discount_rate', 0, 10)) -%}
    {%- do problems.extend(require_number('abc_cutoff_a', 0, 1)) -%}
    {%- do problems.extend(require_number('abc_cutoff_b', var('abc_cutoff_a'), 1)) -%}
    {%- do problems.extend(require_number('expected_gap_prior_weight', 0)) -%}
    {%- do problems.extend(require_number('churned_overdue_ratio', var('decline_overdue_ratio'))) -%}
    {%- do problems.extend(require_number('churned_min_recency_days', 0, whole=true)) -%}
    {%- do problems.extend(require_number('decline_overdue_ratio', 0)) -%}
    {%- do problems.extend(require_number('decline_revenue_ratio', 0)) -%}
    {%- do problems.extend(require_number('formation_min_orders', 2, whole=true)) -%}
    {%- do problems.extend(require_number('stability_min_orders', var('formation_min_orders'), whole=true)) -%}
    {%- if not var('sale_statuses') or var('sale_statuses') is string -%}
        {%- do problems.append('var sale_statuses must be a list of at least one status') -%}
    {%- endif -%}
    {%- set as_of_date = var('as_of_date') -%}
    {%- if as_of_date is not none and not modules.re.fullmatch('\d{4}-\d{2}-\d{2}', as_of_date | string) -%}
        {%- do problems.append('var as_of_date must be a date, YYYY-MM-DD; it is ' ~ as_of_date | string) -%}
    {%- endif -%}
    {%- if problems and execute -%}
        {{ exceptions.raise_compiler_error('Vars that cannot be used:\n  - ' ~ problems | join('\n  - ')) }}
    {%- endif -%}
{%- endmacro %}
