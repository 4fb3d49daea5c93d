{#-
  The list of relations that this project has built or is about to build: relation_schema, relation_name.

  Returns     relation, whether or not it exists
-#}
{% macro ownership_marker() -%}
    {%- set beside = graph.sources['source.' ~ project_name() ~ '.operations.runs'] -%}
    {{ return(api.Relation.create(database=beside.database, schema=beside.schema, identifier='built_relations')) }}
{%- endmacro %}
