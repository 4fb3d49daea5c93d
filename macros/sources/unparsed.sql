{#-
  Whether a raw value of one of the columns exists but could not be typed. For rows whose values were all typed, null
  checks are enough; the text is read only if a typed value is missing.

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
