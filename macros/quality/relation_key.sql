{#-
  The name of a relation in operations.built_relations, without the database: a DuckDB file may be copied.

  Arguments   relation  relation, whether or not it exists
  Returns     schema.name, in lower case
-#}
{% macro relation_key(relation) -%}
    {{ return((relation.schema ~ '.' ~ relation.identifier) | lower) }}
{%- endmacro %}
