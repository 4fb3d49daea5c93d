{#-
  Whether one of several raw values is empty.

  Arguments   columns  contract columns; raw_<column> is the raw value, <column> the typed one
  Returns     boolean, never null
-#}
{% macro missing(columns) -%}
    (case
        when
        {%- for column in columns %} {{ 'or ' if not loop.first }}{{ column }} is null{% endfor %}
            then
        {%- for column in columns %}
                {{ 'or ' if not loop.first }}{{ text_of('raw_' ~ column) }} is null
        {%- endfor %}
        else false
    end)
{%- endmacro %}
