{#-
  A hash of a row's values, to detect changes. Each engine has its own hash: compare hashes of one engine only. 64 bits,
  as a decimal that can be summed over 10^18 rows.

  Arguments   columns  list of SQL expressions
  Returns     numeric(20, 0), never null
-#}
{% macro row_hash(columns) -%}
    {{ return(adapter.dispatch('row_hash', 'customer_value_warehouse')(columns)) }}
{%- endmacro %}

{% macro default__row_hash(columns) -%}
    cast(hash({{ columns | join(', ') }}) as numeric(20, 0))
{%- endmacro %}

{% macro postgres__row_hash(columns) -%}
    cast(hash_record_extended(row({{ columns | join(', ') }}), 0) as numeric(20, 0))
{%- endmacro %}

{% macro spark__row_hash(columns) -%}
    cast(xxhash64({{ columns | join(', ') }}) as numeric(20, 0))
{%- endmacro %}
