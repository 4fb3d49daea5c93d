{#-
  The rows of a finding, for dbt show: unreadable values first, then empty values, then the largest. Only the key, the
  first column of the contract, is shown beside the value.

  Arguments   source_name  table of models/staging/_sources.yml
              column       contract column that the raw table has
  Returns     SELECT
-#}
{% macro arrival_rows(source_name, column) -%}
    {%- do source('raw', source_name) -%}
    {%- for source in graph.sources.values() if execute and source.package_name == project_name()
        and source.source_name == 'raw' and source.name == source_name -%}
        {%- set typed = parsed_as('raw_' ~ column, source.columns[column].data_type) -%}
        select *
        from {{ raw_relation(source_name, [source.columns.keys() | first, column] | unique | list) }} as raw_rows
        order by
            case when {{ typed }} is not null then 2 when {{ text_of('raw_' ~ column) }} is null then 1 else 0 end,
            {{ typed }} desc
    {%- endfor -%}
{%- endmacro %}
