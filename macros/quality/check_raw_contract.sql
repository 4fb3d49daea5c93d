{#-
  Stop the run, before anything is built, when a source table that it needs is missing, lacks a column of the
  contract (models/staging/_sources.yml), or has an entry in var source_map that the engine refuses. Runs
  on-run-start and looks only at sources that a selected model reads.
  Raises a compiler error that lists every missing table and column with the columns that are there, and what to do; for
  an expression of var source_map the engine's own error, after a line of the log that says which it is.
-#}
{% macro check_raw_contract() -%}
    {%- if execute -%}
        {%- set needed = [] -%}
        {%- for unique_id in selected_resources if unique_id.startswith('model.') -%}
            {%- do needed.extend(graph.nodes[unique_id].depends_on.nodes) -%}
        {%- endfor -%}
        {%- set problems, computed = [], {} -%}
        {%- for source in graph.sources.values() | sort(attribute='unique_id') if source.unique_id in needed
            and source.package_name == project_name() and source.source_name == 'raw' -%}
            {%- set table = source.schema ~ '.' ~ source.identifier -%}
            {%- set relation = adapter.get_relation(source.database, source.schema, source.identifier) -%}
            {%- if relation is none -%}
                {%- do problems.append('table ' ~ table ~ ' is missing') -%}
            {%- else -%}
                {%- set physical = adapter.get_columns_in_relation(relation) | map(attribute='name') | list -%}
                {%- set found = contract_problems(source, table, physical | map('lower') | list) -%}
                {%- do problems.extend(found + (
                    ['table ' ~ table ~ ' has the columns ' ~ physical | join(', ')] if found else []
                )) -%}
                {%- do computed.update({source.name: physical}) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if problems -%}
            {{ exceptions.raise_compiler_error(
                'The raw tables do not meet the contract in models/staging/_sources.yml:\n  - '
                ~ problems | join('\n  - ')
                ~ '\nLoad them with one of scripts/load_*.py, which add what is optional; or name your own tables and '
                ~ 'columns in var source_map (models/docs/mapping.md); or set has_<source> to false for a source that '
                ~ 'you lack (never orders).'
            ) }}
        {%- endif -%}
        {%- for source_name, physical in computed.items() -%}
            {%- do try_source_map(source_name, physical) -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
