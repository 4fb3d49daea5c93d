{#-
  The engine's name for a 64-bit floating-point number. dbt.type_float() is 32 bits on DuckDB and Spark.
-#}
{% macro type_double() -%}
    {{ return(adapter.dispatch('type_double', 'customer_value_warehouse')()) }}
{%- endmacro %}

{% macro default__type_double() -%}
    double
{%- endmacro %}

{# Postgres has no type named double #}
{% macro postgres__type_double() -%}
    double precision
{%- endmacro %}
