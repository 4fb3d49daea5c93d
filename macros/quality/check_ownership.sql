{#-
  Stop the run, before anything is built, when it would replace a table or view that this project did not make: dbt
  replaces any table or view with the name of a model or seed. Runs on-run-start and looks only at the models and seeds
  that are selected; their relations are this project's from then on (claim_relations).
-#}
{% macro check_ownership() -%}
    {%- if execute -%}
        {%- do claim_relations(project_relations(selected_resources)) -%}
    {%- endif -%}
{%- endmacro %}
