{#-
  Record as this project's every table and view that has the name of one of its models or seeds, so that the next run
  replaces it. An operation, for whoever knows that this project made them (claim_relations); says which they are.
-#}
{% macro adopt_relations() -%}
    {%- set names = adopted_relations(project_relations(), owned_relations()) -%}
    {%- do log('recorded as made by this project: ' ~ (names | sort | join(', ') or 'nothing that was not before'), info=true) -%}
{%- endmacro %}
