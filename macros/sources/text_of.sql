{#-
  A raw value as text: blanks around it cut off, empty text null.

  Arguments   raw  SQL expression of any type
  Returns     text or null
  Example     ' a1 ' gives 'a1', '  ' gives null
-#}
{% macro text_of(raw) -%}
    nullif(trim(cast({{ raw }} as {{ dbt.type_string() }})), '')
{%- endmacro %}
