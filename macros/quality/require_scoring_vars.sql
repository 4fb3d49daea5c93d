{#-
  Lines for check_vars: what the vars of scores and tiers hold that no model can work with.

  Returns     list of sentences that name the legal values and what came; empty when there is nothing to say
-#}
{% macro require_scoring_vars() -%}
    {%- set problems = [] -%}
    {%- do problems.extend(require_one_of('rfm_method', ['midrank', 'ntile', 'cutoffs'])) -%}
    {%- do problems.extend(require_one_of('rfm_population', ['active', 'all'])) -%}
    {%- do problems.extend(require_one_of('abc_value', abc_value_columns() | list)) -%}
    {%- do problems.extend(require_number('abc_cutoff_a', 0.01, 1)) -%}
    {%- do problems.extend(require_number('abc_cutoff_b', 0.01, 1)) -%}
    {%- do problems.extend(require_number('demotion_patience', 1, 60, whole=true)) -%}
    {{ return(problems) }}
{%- endmacro %}
