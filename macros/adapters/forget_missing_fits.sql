{#-
  Take the rows that still wait for a fit out of clv_parameters, so that the next build opens their slices again.
  scripts/fit_clv.py calls it before it fits.
-#}
{% macro forget_missing_fits() -%}
    {%- set node = graph.nodes['model.customer_value.clv_parameters'] -%}
    {%- set relation = load_relation(api.Relation.create(
        database=node.database, schema=node.schema, identifier=node.alias
    )) -%}
    {%- if relation -%}
        {%- do run_query("delete from " ~ relation ~ " where state = 'awaiting fit'") -%}
        {%- do adapter.commit_if_has_connection() -%}
    {%- endif -%}
{%- endmacro %}
