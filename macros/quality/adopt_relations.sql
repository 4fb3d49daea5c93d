{#-
  Record as this project's every table and view with the name of one of its models or seeds, so that the next run
  replaces them. An operation, for a user who knows that this project made them (claim_relations); prints their names.
-#}
{% macro adopt_relations() -%}
    {%- set names = adopted_relations(project_relations(), owned_relations()) -%}
    {%- do log('recorded as made by this project: ' ~ (names | sort | join(', ') or 'nothing that was not before'), info=true) -%}
{%- endmacro %}
