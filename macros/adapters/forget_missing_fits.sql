{#-
  Take the slices that still wait for a fit out of clv_parameters, customer_value_history and customer_forecasts, and
  the origins among them out of clv_backtest, so that the next build works them out again; out of this project's own
  tables alone. scripts/fit_clv.py calls it before it fits.
-#}
{% macro forget_missing_fits() -%}
    {%- set parameters = load_relation(relation_of('clv_parameters')) -%}
    {%- set owned = owned_relations() if parameters else [] -%}
    {%- for name in ['customer_value_history', 'customer_forecasts', 'clv_backtest', 'clv_parameters'] if parameters -%}
        {%- set relation = load_relation(relation_of(name)) -%}
        {%- if relation and relation_key(relation) in owned -%}
            {%- do run_query(
                'delete from ' ~ relation ~ ' where as_of_date in (select as_of_date from ' ~ parameters
                ~ " where state = 'awaiting fit')"
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if target.type == 'postgres' -%} {#- the others have no transaction open here -#}
{%- do run_query('commit') -%}
{%- endif -%}
{%- endmacro %}
