{#-
  Limit the memory of an engine inside dbt's process: var memory_limit for DuckDB, which then spills to the folder
  beside its file. The order of rows is not preserved; no result depends on it. Servers have their own settings. Runs
  on-run-start; returns nothing on other engines.
-#}
{% macro set_engine_limits() -%}
    {{ return(adapter.dispatch('set_engine_limits', 'customer_value_warehouse')()) }}
{%- endmacro %}

{% macro default__set_engine_limits() -%}
{%- endmacro %}

{% macro duckdb__set_engine_limits() -%}
    set memory_limit = '{{ var("memory_limit") }}'; set preserve_insertion_order = false
{%- endmacro %}
