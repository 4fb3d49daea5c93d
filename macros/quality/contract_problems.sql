{#-
  The columns that a table lacks of the contract of its source, and entries of var source_map that cannot be used.

  Arguments   source    source of the graph
              table     schema.table that is read
              physical  its columns, lower case
  Returns     list of lines for people, empty where there is no problem
-#}
{% macro contract_problems(source, table, physical) -%}
    {%- set problems = [] -%}
    {%- set mapped = var('source_map').get(source.name, {}).get('columns') -%}
    {%- for column in (mapped or {}) if column not in source.columns -%}
        {%- do problems.append(
            'var source_map gives ' ~ source.name ~ ' a column ' ~ column ~ ', which the contract does not have'
        ) -%}
    {%- endfor -%}
    {%- for column in source.columns.values() -%}
        {%- set required = column.config.meta.required -%}
        {%- set own = mapped_column(mapped.get(column.name)) if mapped else none -%}
        {%- if not mapped and column.name not in physical -%}
            {%- do problems.append(
                'table ' ~ table ~ ' lacks the column ' ~ column.name
                ~ (' (required)' if required else ' (optional: it may be all null)')
            ) -%}
        {%- elif mapped and required and mapped.get(column.name) in [none, ''] -%}
            {%- do problems.append(
                'var source_map lists the columns of ' ~ source.name ~ ' without ' ~ column.name ~ ' (required)'
            ) -%}
        {%- elif own and own not in physical -%}
            {%- do problems.append(
                'var source_map reads ' ~ column.name ~ ' of ' ~ source.name ~ ' from ' ~ mapped[column.name]
                ~ ', a column that table ' ~ table ~ ' does not have'
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(problems) }}
{%- endmacro %}
