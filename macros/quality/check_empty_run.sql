{#-
  Stop a run with --empty, before anything is built, if it would delete the rows of tables that are kept from run to
  run: without input no slice is valid, and histories would be deleted. On a database of its own, as in CI, there are no
  such rows. Runs on-run-start. Raises a compiler error that names the tables.
-#}
{% macro check_empty_run() -%}
    {%- set filled = [] -%}
    {%- for node in (graph.nodes.values() if execute and flags.EMPTY else [])
        if node.unique_id in selected_resources and node.unique_id == model_id(node.name)
        and node.config.materialized == 'incremental' -%}
        {%- set relation = load_relation(relation_of(node.name)) -%}
        {%- if relation and run_query('select 1 as one from ' ~ relation ~ ' limit 1').rows | length > 0 -%}
            {%- do filled.append(relation_key(relation)) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if filled -%}
        {{ exceptions.raise_compiler_error(
            'With --empty, this run would take the rows out of tables that are kept from run to run:\n  - '
            ~ filled | sort | join('\n  - ')
            ~ '\nGive it a database of its own (CUSTOMER_VALUE_DATABASE, PGDATABASE).'
        ) }}
    {%- endif -%}
{%- endmacro %}
