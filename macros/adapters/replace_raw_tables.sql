{#-
  Spark: run the statements that replace raw tables, unless one is there that the loaders did not make. An operation;
  scripts/raw_spark.py calls it. Prints the comments of the tables that are there, by which the loaders know their own,
  as a JSON object {table: comment} after the words "raw tables:".

  Arguments   schema      their schema
              tables      their names
              statements  list of SQL statements without a semicolon
-#}
{% macro replace_raw_tables(schema, tables, statements) -%}
    {%- set comments, foreign = {}, [] -%}
    {%- for table in tables -%}
        {%- set relation = adapter.get_relation(graph.sources['source.customer_value.raw.orders'].database, schema, table) -%}
        {%- if relation -%}
            {%- set comment = spark_table_comment(relation) -%}
            {%- set stated = fromjson(comment or '', {}) -%}
            {%- do comments.update({table: comment}) -%}
            {%- if stated is not mapping or stated.get('loaded_by') != 'customer_value' -%}
                {%- do foreign.append(table) -%}
            {%- endif -%}
        {%- endif -%}
    {%- endfor -%}
    {%- do print('raw tables: ' ~ tojson(comments)) -%}
    {%- if foreign -%}
        {{ exceptions.raise_compiler_error('raw tables that this project did not load: ' ~ foreign | join(', ')) }}
    {%- endif -%}
    {%- do run_statements(statements) -%}
{%- endmacro %}

{#-
  Spark: the comment of a table or view, which is among the details that follow the columns, the last row of that name.

  Arguments   relation  that is there
  Returns     text, or none
-#}
{% macro spark_table_comment(relation) -%}
    {%- set found = namespace(comment=none) -%}
    {%- for row in run_query('describe table extended ' ~ relation).rows if row[0] == 'Comment' -%}
        {%- set found.comment = row[1] -%}
    {%- endfor -%}
    {{ return(found.comment) }}
{%- endmacro %}
