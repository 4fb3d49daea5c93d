{#-
  The relations of incremental models from an earlier run. For models that are built before them and must know which
  rows exist already: a ref would be a circle.

  Arguments   names            models of this project
              in_full_refresh  true: also if a full refresh is about to replace them
              columns          columns that each must have: a relation of an earlier release may lack one
  Returns     list of relations, one per name; empty where one of them is missing, lacks a column, or must not be read
-#}
{% macro built_relations(names, in_full_refresh=false, columns=[]) -%}
    {%- set relations = [] -%}
    {%- if execute and (in_full_refresh or not should_full_refresh()) -%}
        {%- for name in names -%}
            {%- set node = graph.nodes[model_id(name)] -%}
            {%- set relation = load_relation(api.Relation.create(
                database=node.database, schema=node.schema, identifier=node.alias
            )) -%}
            {%- set found = adapter.get_columns_in_relation(relation) if relation and columns else [] -%}
            {%- set missing = columns | reject('in', found | map(attribute='name') | map('lower') | list) | list -%}
            {%- if relation and not missing -%}
                {%- do relations.append(relation) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(relations if relations | length == names | length else []) }}
{%- endmacro %}
