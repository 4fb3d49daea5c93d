{#-
  A raw truth value, written true, t, yes, y, 1 or false, f, no, n, 0 in any case, or a boolean.

  Arguments   raw  SQL expression
  Returns     boolean; null for null, for an empty text and for anything else
-#}
{% macro parsed_boolean(raw) -%}
    (case
        when lower({{ text_of(raw) }}) in ('true', 't', 'yes', 'y', '1') then true
        when lower({{ text_of(raw) }}) in ('false', 'f', 'no', 'n', '0') then false
    end)
{%- endmacro %}
