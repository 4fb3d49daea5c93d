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
    {%- do problems.extend(require_number('abc_cutoff_a', 0.01, 1)) -%}
    {%- do problems.extend(require_number('abc_cutoff_b', 0.01, 1)) -%}
    {%- do problems.extend(require_number('expected_gap_prior_weight', 0)) -%}
    {%- do problems.extend(require_number('churned_overdue_ratio', 0)) -%}
    {%- do problems.extend(require_number('churned_min_recency_days', 0, whole=true)) -%}
    {%- do problems.extend(require_number('decline_overdue_ratio', 0)) -%}
    {%- do problems.extend(require_number('decline_revenue_ratio', 0)) -%}
    {%- do problems.extend(require_number('formation_min_orders', 2, whole=true)) -%}
    {%- do problems.extend(require_number('stability_min_orders', 2, whole=true)) -%}
    {%- set are_numbers = not problems -%}
    {%- for lower, upper in [
        ('abc_cutoff_a', 'abc_cutoff_b'),
        ('decline_overdue_ratio', 'churned_overdue_ratio'),
        ('formation_min_orders', 'stability_min_orders'),
    ] if are_numbers and var(lower) > var(upper) -%}
        {%- do problems.append(
            'var ' ~ lower ~ ' must not be above var ' ~ upper ~ '; they are ' ~ var(lower) ~ ' and ' ~ var(upper)
        ) -%}
    {%- endfor -%}
    {%- for name in ['sale_statuses', 'other_statuses'] -%}
        {%- if var(name) is string or var(name) is not sequence -%}
            {%- do problems.append('var ' ~ name ~ ' must be a list of statuses; it is ' ~ var(name) | string) -%}
        {%- else -%}
            {%- for status in var(name) if status != status | lower | replace(' ', '_') | replace('-', '_') -%}
                {%- do problems.append(
                    'var ' ~ name ~ ' must hold statuses in lower case with underscores; it holds ' ~ status
                ) -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if var('as_of_date') is not none and not is_date(var('as_of_date') | string) -%}
        {%- do problems.append('var as_of_date must be a date, YYYY-MM-DD; it is ' ~ var('as_of_date') | string) -%}
    {%- endif -%}
    {%- if problems and execute -%}
        {{ exceptions.raise_compiler_error('Vars that cannot be used:\n  - ' ~ problems | join('\n  - ')) }}
    {%- endif -%}
{%- endmacro %}
