{#-
  Take the slices that still wait for a fit out of clv_parameters and customer_value_history, so that the next build
  works them out again. scripts/fit_clv.py calls it before it fits.
-#}
{% macro forget_missing_fits() -%}
    {%- for name, state in {'clv_parameters': 'state', 'customer_value_history': 'clv_state'}.items() -%}
        {%- set relation = load_relation(relation_of(name)) -%}
        {%- if relation -%}
            {%- do run_query(
                'delete from ' ~ relation ~ ' where slice_version in (select slice_version from ' ~ relation
                ~ ' where ' ~ state ~ " like '%awaiting fit')"
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if target.type == 'postgres' -%} {#- the others have no transaction open here -#}
{%- do run_query('commit') -%}
{%- endif -%}
{%- endmacro %}
