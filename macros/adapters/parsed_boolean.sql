{#-
  A raw truth value, written true, t, yes, y, 1 or false, f, no, n, 0 in any case, or a boolean.

  Arguments   raw  SQL expression
  Returns     boolean; null for null, for an empty text and for anything else; never an error
-#}
{% macro parsed_boolean(raw) -%}
    {{ return(adapter.dispatch('parsed_boolean', 'customer_value_warehouse')(raw)) }}
{%- endmacro %}

{# typeof is folded when the query is planned: a column that is a boolean already costs nothing #}
{% macro default__parsed_boolean(raw) -%}
    (case
        when typeof({{ raw }}) in ('BOOLEAN', 'boolean') then try_cast({{ raw }} as boolean)
        when lower({{ text_of(raw) }}) in ('true', 't', 'yes', 'y', '1') then true
        when lower({{ text_of(raw) }}) in ('false', 'f', 'no', 'n', '0') then false
    end)
{%- endmacro %}

{% macro postgres__parsed_boolean(raw) -%}
    (case
        when lower({{ text_of(raw) }}) in ('true', 't', 'yes', 'y', '1') then true
        when lower({{ text_of(raw) }}) in ('false', 'f', 'no', 'n', '0') then false
    end)
{%- endmacro %}
