{#-
  dbt's own get_show_sql, the query of dbt show, except for incremental models of this project that have been built: for
  these it shows the rows of the table. The model's own query returns only missing rows, so none after a build.

  Arguments   compiled_code  the model's query
              sql_header     SQL to run before it; none: nothing
              limit          rows at most; none: all
  Returns     a query
-#}
{% macro get_show_sql(compiled_code, sql_header, limit) -%}
    {%- set is_kept = model.resource_type == 'model' and model.unique_id == model_id(model.name)
        and model.config.materialized == 'incremental' -%}
    {%- set kept = load_relation(this) if is_kept else none -%}
    {%- if sql_header is not none -%}
        {{ sql_header }}
    {%- endif %}
    {{ get_limit_subquery_sql('select * from ' ~ kept if kept else compiled_code, limit) }}
{%- endmacro %}
