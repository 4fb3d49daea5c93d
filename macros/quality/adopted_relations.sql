{#-
  Record existing relations as this project's.

  Arguments   relations  relations to look for
              owned      relations that are recorded already, list of schema.name
  Returns     list of schema.name of the relations that existed and are recorded now
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
