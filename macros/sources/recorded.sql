{#-
  A table of the source operations, which scripts/refresh.py fills, as a subquery; without rows before the first
  refresh.

  Arguments   name     table of models/staging/_operations.yml
  Returns     subquery with the columns of that file in their order and types
-#}
{% macro recorded(name) -%}
    {%- set relation = source('operations', name) -%}
    {%- set types = {'varchar': dbt.type_string(), 'double': type_double(), 'timestamp': dbt.type_timestamp()} -%}
    {%- set columns = [] -%}
    {%- set is_there = execute and load_relation(relation) is not none -%}
    {%- if execute -%}
        {%- for column in graph.sources['source.' ~ project_name() ~ '.operations.' ~ name].columns.values() -%}
            {%- do columns.append(
                'cast(' ~ (column.name if is_there else 'null') ~ ' as '
                ~ types.get(column.data_type, column.data_type) ~ ') as ' ~ column.name
            ) -%}
        {%- endfor -%}
    {%- endif -%}
    (
        select {{ columns | join(', ') or 'null' }}
        {% if is_there -%}
        from {{ relation }}
        {%- else -%}
        where 1 = 0
        {%- endif %}
    )
{%- endmacro %}
