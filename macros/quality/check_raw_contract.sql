{#-
  Stop the run, before anything is built, when a source table that it needs is missing or lacks a column of the
  contract (models/staging/_sources.yml). Runs on-run-start and looks only at sources that a selected model reads.
  Raises a compiler error that lists every missing table and column, and what to do.
-#}
{% macro check_raw_contract() -%}
    {%- if execute -%}
        {%- set needed = [] -%}
        {%- for unique_id in selected_resources if unique_id.startswith('model.') -%}
            {%- do needed.extend(graph.nodes[unique_id].depends_on.nodes) -%}
        {%- endfor -%}
        {%- set problems = [] -%}
        {%- for source in graph.sources.values() | sort(attribute='unique_id') 
            if source.source_name == 'raw' and source.unique_id in needed -%}
            {%- set table = source.schema ~ '.' ~ source.identifier -%}
            {%- set relation = adapter.get_relation(source.database, source.schema, source.identifier) -%}
            {%- set mapped = var('source_map').get(source.name, {}).get('columns') -%}
            {%- if relation is none -%}
                {%- do problems.append('table ' ~ table ~ ' is missing') -%}
            {%- elif mapped -%}
                {%- for column in mapped if column not in source.columns -%}
                    {%- do problems.append(
                        'var source_map gives ' ~ source.name ~ ' a column ' ~ column ~ ', which the contract does not have'
                    ) -%}
                {%- endfor -%}
                {%- for column in source.columns.values() if column.config.meta.required and not mapped.get(column.name) -%}
                    {%- do problems.append(
                        'var source_map lists the columns of ' ~ source.name ~ ' without ' ~ column.name ~ ' (required)'
                    ) -%}
                {%- endfor -%}
            {%- else -%}
                {%- set present = adapter.get_columns_in_relation(relation) | map(attribute='name') | map('lower') | list -%}
                {%- for column in source.columns.values() if column.name not in present -%}
                    {%- do problems.append(
                        'table ' ~ table ~ ' lacks the column ' ~ column.name
                        ~ (' (required)' if column.config.meta.required else ' (optional: it may be all null)')
                    ) -%}
                {%- endfor -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if problems -%}
            {{ exceptions.raise_compiler_error(
                'The raw tables do not meet the contract in models/staging/_sources.yml:\n  - ' ~ problems | join('\n  - ')
                ~ '\nLoad them with one of scripts/load_*.py, which add what is optional; or name your own tables and '
                ~ 'columns in var source_map; or set has_<source> to false for a source that you lack.'
            ) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
