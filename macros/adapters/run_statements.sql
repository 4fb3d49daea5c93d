{#-
  Run SQL statements one after the other on dbt's own connection. The Spark loader uses it
  (scripts/customer_value/raw/spark_copy.py).

  Arguments   statements  list of SQL statements without a semicolon
-#}
{% macro run_statements(statements) -%}
    {%- for statement in statements -%}
        {%- do run_query(statement) -%}
    {%- endfor -%}
{%- endmacro %}
