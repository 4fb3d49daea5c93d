{#-
  Fails for each row with a null in a column that the model's contract constrains to not_null. Enabled on Spark alone,
  where the adapter sets constraints on Delta only: DuckDB and Postgres refuse such a row themselves.
-#}
{% test not_null_constraints(model) %}
{{- config(enabled=target.type == 'spark') -}}
{%- set constrained = [] -%}
{%- if execute -%}
    {%- for node in graph.nodes.values()
        if node.resource_type == 'model' and node.alias == model.identifier and node.schema == model.schema -%}
        {%- for column in node.columns.values() -%}
            {%- for constraint in column.constraints if constraint.type == 'not_null' -%}
                {%- do constrained.append(column.name) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- if not constrained -%}
        {{ exceptions.raise_compiler_error(model ~ ' constrains no column to not_null') }}
    {%- endif -%}
{%- endif %}

select *
from {{ model }}
where
    {% for column in constrained or ['null'] -%}
        {{ column }} is null {{ 'or' if not loop.last }}
    {% endfor %}

{% endtest %}
