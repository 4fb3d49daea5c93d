{#-
  Record relations that are there as this project's.

  Arguments   relations  to look for
              owned      what is recorded already, list of schema.name
  Returns     list of schema.name of those that were there and are recorded now
-#}
{% macro adopted_relations(relations, owned) -%}
    {%- set adopted, names = [], [] -%}
    {%- for relation in relations if relation_key(relation) not in owned and load_relation(relation) -%}
        {%- do adopted.append(relation) -%}
        {%- do names.append(relation_key(relation)) -%}
    {%- endfor -%}
    {%- do record_relations(adopted) -%}
    {{ return(names) }}
{%- endmacro %}
