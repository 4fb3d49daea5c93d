{#-
  The name of this project (dbt_project.yml), also where it is a package of another project: dbt gives a macro only the
  other project's name. All ids of nodes contain it; only adapter.dispatch needs it as a literal.
-#}
{% macro project_name() -%}
    {{ return('customer_value_warehouse') }}
{%- endmacro %}
