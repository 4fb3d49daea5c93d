{#-
  Whether a raw number of one of the columns is NaN or infinite.

  Arguments   columns  contract columns; raw_<column> is the raw value, <column> the typed one
  Returns     boolean, never null
-#}
{% macro not_finite(columns) -%}
    (case
        when
        {%- for column in columns %}
            {{ 'or ' if not loop.first }}({{ column }} is null and raw_{{ column }} is not null)
        {%- endfor %}
            then
        {%- for column in columns %}
                {{ 'or ' if not loop.first }}({{ column }} is null and {{ is_not_finite('raw_' ~ column) }})
        {%- endfor %}
        else false
    end)
{%- endmacro %}
