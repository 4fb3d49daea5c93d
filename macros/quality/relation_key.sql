{#-
  The name by which operations.built_relations knows a relation, without the database: a DuckDB file may be copied.

  Arguments   relation  whether or not it is there
  Returns     schema.name, in lower case
-#}
{% macro relation_key(relation) -%}
    {{ return((relation.schema ~ '.' ~ relation.identifier) | lower) }}
{%- endmacro %}
