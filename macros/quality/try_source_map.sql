{#-
  Let the engine try each expression of var source_map for a source, before anything is built from it. Jinja cannot
  catch an error, so each try is announced, and the engine's own error follows if it refuses. No row is read.

  Arguments   source_name  table of models/staging/_sources.yml, which must exist
              physical     columns of that table
              is_printed   true: the announcement is a line "source_map_try" of JSON, null once the engine took it, for
                           scripts/check_arrival.py; false: a line of the log
  Returns     nothing
-#}
{% macro try_source_map(source_name, physical, is_printed=false) -%}
    {%- set settings = var('source_map').get(source_name, {}) -%}
    {%- set table = var('raw_schema') ~ '.' ~ settings.get('table', source_name) -%}
    {%- for column, expression in (settings.get('columns') or {}).items()
        if expression is not none and mapped_column(expression) is none and expression is string -%}
        {%- set said = 'var source_map computes ' ~ column ~ ' of ' ~ source_name ~ ' by ' ~ expression ~ ', from '
            ~ table ~ ' with the columns ' ~ physical | join(', ') -%}
        {%- if is_printed -%}
            {%- do print('source_map_try ' ~ tojson(said)) -%}
        {%- else -%}
            {%- do log(said, info=true) -%}
        {%- endif -%}
        {%- do run_query('select * from ' ~ raw_relation(source_name, [column]) ~ ' as raw_rows where 1 = 0') -%}
        {%- if is_printed -%}
            {%- do print('source_map_try null') -%}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}
