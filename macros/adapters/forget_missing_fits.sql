{#-
  Take the rows that still wait for a fit out of clv_parameters, so that the next build opens their slices again.
  scripts/fit_clv.py calls it before it fits.
-#}
{% macro forget_missing_fits() -%}
    {%- set relation = load_relation(relation_of('clv_parameters')) -%}
    {%- if relation -%}
        {%- do run_query("delete from " ~ relation ~ " where state = 'awaiting fit'") -%}
        {%- if target.type == 'postgres' -%} {#- the others have no transaction open here -#}
{%- do run_query('commit') -%}
{%- endif -%}
    {%- endif -%}
{%- endmacro %}
