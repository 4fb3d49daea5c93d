{#-
  Replace the table int_clv_fits, in the schema of int_clv_fit_dates, on dbt's own connection. scripts/fit_clv.py calls
  it on engines where dbt runs no Python.

  Arguments   rows  list of {column: value}, one per fit date, at least one
-#}
{% macro write_clv_fits(rows) -%}
    {%- set relation = relation_of('int_clv_fit_dates', 'int_clv_fits') -%}
    {%- set texts = ['slice_version', 'model', 'state', 'note', 'spend_note'] -%}
    {%- set selects = [] -%}
    {%- for row in rows -%}
        {%- set columns = [] -%}
        {%- for name, value in row.items() -%}
            {%- set sql_type = dbt.type_string() if name in texts else 'date' if name == 'fitted_as_of'
                else 'boolean' if name in ['is_usable', 'is_converged']
                else dbt.type_bigint() if name in ['customers', 'repeat_customers', 'spend_customers'] else type_double() -%}
            {%- set literal = 'null' if value is none else value | string | lower if value is boolean
                else "'" ~ value | string | replace("'", "''") ~ "'" -%}
            {%- do columns.append('cast(' ~ literal ~ ' as ' ~ sql_type ~ ') as ' ~ name) -%}
        {%- endfor -%}
        {%- do selects.append('select ' ~ columns | join(', ')) -%}
    {%- endfor -%}
    {%- do claim_relations([relation]) -%}
    {%- do run_query('drop table if exists ' ~ relation) -%}
    {#- Spark: not create_table_as, which makes a Parquet table outside of a model. The Iceberg catalog drops such a
        table without its files, and the next fit then fails because the files are still there -#}
    {%- do run_query(
        'create table ' ~ relation ~ ' using iceberg as ' ~ selects | join(' union all ') if target.type == 'spark'
        else create_table_as(false, relation, selects | join(' union all '))
    ) -%}
    {%- if target.type == 'postgres' -%} {#- the others have no transaction open here -#}
{%- do run_query('commit') -%}
{%- endif -%}
{%- endmacro %}
