{#-
  Record in operations.built_relations that relations are this project's, so that it may replace them from now on.
  Creates the table if it is missing.

  Arguments   relations  relations that are not recorded yet, whether or not they exist; may be empty
-#}
{% macro record_relations(relations) -%}
    {%- if relations -%}
        {%- set marker = ownership_marker() -%}
        {%- set rows = [] -%}
        {%- for relation in relations -%}
            {%- do rows.append('(' ~ sql_strings([relation.schema, relation.identifier]) ~ ')') -%}
        {%- endfor -%}
        {%- if not adapter.check_schema_exists(marker.database, marker.schema) -%}
            {%- do adapter.create_schema(marker) -%}
        {%- endif -%}
        {%- call statement('make_marker', auto_begin=true) -%}
            create table if not exists {{ marker }} (
                relation_schema {{ dbt.type_string() }}, relation_name {{ dbt.type_string() }}
            ) {{ 'using iceberg' if target.type == 'spark' }}
        {%- endcall -%}
        {%- call statement('mark', auto_begin=true) -%}
            insert into {{ marker }} values {{ rows | join(', ') }}
        {%- endcall -%}
        {%- do adapter.commit() -%} {#- dbt would roll it back with the connection of the hooks #}
    {%- endif -%}
{%- endmacro %}
