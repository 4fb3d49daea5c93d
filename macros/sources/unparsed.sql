{#-
  Whether a raw value of some column is there but could not be typed. Null checks alone
  recognise rows whose values were all typed; the text is read only if one is missing.

  Arguments   columns         contract columns; raw_<column> is the raw value, <column> the typed one
              is_number       true: NaN and infinity do not count, not_finite reports them
  Returns     boolean, never null
-#}
{% macro unparsed(columns, is_number=false) -%}
    (case
        when
        {%- for column in columns %}
            {{ 'or ' if not loop.first }}({{ column }} is null and raw_{{ column }} is not null)
        {%- endfor %}
            then
        {%- for column in columns %}
                {{ 'or ' if not loop.first }}({{ column }} is null and {{ text_of('raw_' ~ column) }} is not null
                {%- if is_number %} and not ({{ is_not_finite('raw_' ~ column) }}){% endif %})
        {%- endfor %}
        else false
    end)
{%- endmacro %}
