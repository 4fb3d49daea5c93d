{#-
  A raw row as one JSON object of texts, keys in the order of the contract, without blanks.

  Arguments   columns  contract columns; their raw values are in raw_<column>
  Returns     text; a null value is null
  Example     {"order_id":"7","channel":null}
-#}
{% macro json_of_row(columns) -%}
    {{ return(adapter.dispatch('json_of_row', 'customer_value_warehouse')(columns)) }}
{%- endmacro %}

{% macro default__json_of_row(columns) -%}
    cast(json_object(
        {%- for column in columns -%}
            '{{ column }}', cast(raw_{{ column }} as varchar){{ ', ' if not loop.last }}
        {%- endfor -%}
    ) as varchar)
{%- endmacro %}

{% macro postgres__json_of_row(columns) -%}
    cast((select row_to_json(raw_row) from (select
        {%- for column in columns %} cast(raw_{{ column }} as text) as {{ column }}{{ ',' if not loop.last }}{%- endfor -%}
    ) as raw_row) as text)
{%- endmacro %}

{% macro spark__json_of_row(columns) -%}
    to_json(named_struct(
        {%- for column in columns -%}
            '{{ column }}', cast(raw_{{ column }} as string){{ ', ' if not loop.last }}
        {%- endfor -%}
    ), map('ignoreNullFields', 'false'))
{%- endmacro %}
