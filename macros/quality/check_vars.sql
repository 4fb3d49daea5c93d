{#-
  Stop the run, before anything is built, when a var of dbt_project.yml has a value that no model can use.
  Runs on-run-start. Raises a compiler error that names every var at fault, its legal values and what came.
-#}
{% macro check_vars() -%}
    {%- set problems = [] -%}
    {%- for name, rule in project_vars().items() -%}
        {%- do problems.extend(var_problems(name, rule)) -%}
    {%- endfor -%}
    {%- set can_be_compared = not problems -%}
    {%- for name, rule in project_vars().items()
        if can_be_compared and rule.not_above and var(name) > var(rule.not_above) -%}
        {%- do problems.append(
            'var ' ~ name ~ ' must not be above var ' ~ rule.not_above ~ '; they are ' ~ var(name) ~ ' and '
            ~ var(rule.not_above)
        ) -%}
    {%- endfor -%}
    {%- if can_be_compared and var('label_lookback_months') <= var('churn_horizon_months') -%}
        {%- do problems.append(
            'var label_lookback_months must be above var churn_horizon_months, or no month-end within it has a known '
            ~ 'outcome; they are ' ~ var('label_lookback_months') ~ ' and ' ~ var('churn_horizon_months')
        ) -%}
    {%- endif -%}
    {%- do problems.extend(require_source_map()) -%}
    {%- do problems.extend(require_anomaly_thresholds()) -%}
    {%- do problems.extend(require_publication_rules()) -%}
    {%- if execute and var('guest_orders') == 'email' and load_relation(source('privacy', 'pseudonym_key')) is none -%}
        {%- do problems.append(
            'var guest_orders: email gives guests ids by a hash with a key of your own, and there is none; make it, once '
            ~ 'per database: python scripts/set_key.py --target ' ~ target.name
        ) -%}
    {%- endif -%}
    {%- if problems and execute -%}
        {{ exceptions.raise_compiler_error('Vars that cannot be used:\n  - ' ~ problems | join('\n  - ')) }}
    {%- endif -%}
{%- endmacro %}
