{#-
  The table that lists what this project has built or is about to: relation_schema, relation_name.

  Returns     relation, whether or not it is there
-#}
{% macro ownership_marker() -%}
    {%- set beside = graph.sources['source.' ~ project_name() ~ '.operations.runs'] -%}
    {{ return(api.Relation.create(database=beside.database, schema=beside.schema, identifier='built_relations')) }}
{%- endmacro %}
