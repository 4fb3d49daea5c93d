{#-
  The table int_clv_fits: on DuckDB a Python model, elsewhere the table that scripts/fit_clv.py has written, if any.

  Returns     relation, or none where no fit has been written yet
-#}
{% macro clv_fits() -%}
    {{ return(adapter.dispatch('clv_fits', 'customer_value_warehouse')()) }}
{%- endmacro %}

{% macro duckdb__clv_fits() -%}
    {{ return(ref('int_clv_fits')) }}
{%- endmacro %}

{% macro default__clv_fits() -%}
    {%- set beside = ref('int_clv_fit_dates') -%}
    {{ return(load_relation(api.Relation.create(
        database=beside.database, schema=beside.schema, identifier='int_clv_fits'
    )) if execute else none) }}
{%- endmacro %}
