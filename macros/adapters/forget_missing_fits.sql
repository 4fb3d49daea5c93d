{#-
  Delete the slices that still wait for a fit from int_clv_parameters, customer_value_history and customer_forecasts,
  and the origins among them from clv_backtest, label_truth, int_order_chance_counts and int_order_chance_errors, so
  that the next build computes them again. Only this project's own tables change. scripts/fit_clv.py calls it before the
  fits.
-#}
{% macro forget_missing_fits() -%}
    {%- set parameters = load_relation(relation_of('int_clv_parameters')) -%}
    {%- set owned = owned_relations() if parameters else [] -%}
    {%- set waiting = 'as_of_date in (select as_of_date from ' ~ parameters ~ " where state = 'awaiting fit')" -%}
    {%- set names = ['customer_value_history', 'customer_forecasts', 'clv_backtest', 'label_truth',
        'int_order_chance_counts', 'int_order_chance_errors', 'int_clv_parameters'] -%}
    {%- for name in names if parameters -%}
        {%- set relation = load_relation(relation_of(name)) -%}
        {%- if relation and relation_key(relation) in owned -%}
            {#- origins of labels whose horizons end on the same day are deleted together -#}
            {%- set condition = 'slice_version in (select slice_version from ' ~ relation ~ ' where ' ~ waiting ~ ')'
                if name == 'label_truth' else waiting -%}
            {%- do run_query('delete from ' ~ relation ~ ' where ' ~ condition) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if target.type == 'postgres' -%} {#- the others have no transaction open here -#}
{%- do run_query('commit') -%}
{%- endif -%}
{%- endmacro %}
