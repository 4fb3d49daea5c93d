{# The schemas are named by layer (staging, intermediate, marts, reference, oracle), without a prefix:
   dashboards and the README can then name a mart the same way everywhere. A model without a schema of its
   own goes where the profile says. A target whose schema is published is for reading (macro check_target): there
   the marts are what a refresh published. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- set is_read = target.schema == 'published' and custom_schema_name == 'marts' -%}
    {{ target.schema if custom_schema_name is none or is_read else custom_schema_name | trim }}
{%- endmacro %}
