{#-
  dbt's own run_query, with one change for Spark's Thrift server: a statement that defines or writes something returns
  no rows there, and fetching rows fails ('NoneType' object is not iterable). dbt's unit tests create their temporary
  tables this way. For all other statements rows are fetched, as always.

  Arguments   sql  one SQL statement
  Returns     agate table of the rows; empty for a statement without any
-#}
{% macro run_query(sql) -%}
    {%- set is_without_rows = modules.re.match('(create|drop|comment|alter|insert|delete)\\s', sql | trim | lower) is not none -%}
    {%- call statement('run_query', fetch_result=not (is_without_rows and target.type == 'spark'), auto_begin=false) -%}
        {{ sql }}
    {%- endcall -%}
    {%- do return(load_result('run_query').table) -%}
{%- endmacro %}
