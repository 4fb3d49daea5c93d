{#-
  The engine's name for a 64-bit floating-point number. dbt.type_float() is 32 bits on DuckDB.
-#}
{% macro type_double() -%}
    double
{%- endmacro %}
