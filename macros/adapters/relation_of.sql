{#-
  The relation of a model of this project, for operations: a ref to a private model is not allowed there.

  Arguments   name        model
              identifier  another table in the same schema; the model's own unless given
  Returns     relation, whether or not it exists
-#}
{% macro relation_of(name, identifier=none) -%}
    {%- set node = graph.nodes[model_id(name)] -%}
    {{ return(api.Relation.create(
        database=node.database, schema=node.schema, identifier=identifier or node.alias
    )) }}
{%- endmacro %}
