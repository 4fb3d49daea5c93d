{# The schemas are named by layer (staging, intermediate, marts, reference, oracle), without a prefix:
   dashboards and the README can then name a mart the same way everywhere. A model without a schema of its
   own goes where the profile says. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ target.schema if custom_schema_name is none else custom_schema_name | trim }}
{%- endmacro %}
