{#-
  The name of this project (dbt_project.yml), also where it is a package of another one: a macro cannot ask for it. All
  ids of nodes are made of it; adapter.dispatch alone has to have it in writing.
-#}
{% macro project_name() -%}
    {{ return('customer_value_warehouse') }}
{%- endmacro %}
