{#-
  A raw value as text: blanks around it cut off, empty text null.

  Arguments   raw  SQL expression of any type
  Returns     text or null
  Example     ' a1 ' gives 'a1', '  ' gives null
  A text without a blank at its ends is taken as it is: a copy of every text would double the time of staging.
-#}
{% macro text_of(raw) -%}
    {%- set text = 'cast(' ~ raw ~ ' as ' ~ dbt.type_string() ~ ')' -%}
    (case
        when {{ text }} like ' %' or {{ text }} like '% ' or {{ text }} = '' then nullif(trim({{ text }}), '')
        else {{ text }}
    end)
{%- endmacro %}
