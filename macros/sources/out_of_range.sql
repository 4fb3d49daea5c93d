{#-
  Whether an amount is beyond what an amount can be, or negative where it cannot be.

  Arguments   columns      typed columns that may be negative
              not_negative typed columns that may not
              max_amount   largest absolute value
  Returns     boolean; null where all are null
-#}
{% macro out_of_range(columns, not_negative, max_amount) -%}
    (
        {%- for column in columns -%}
            {{ ' or ' if not loop.first }}abs({{ column }}) > {{ max_amount }}
        {%- endfor -%}
        {{ ' or ' if columns and not_negative }}
        {%- for column in not_negative -%}
            {{ ' or ' if not loop.first }}{{ column }} < 0 or {{ column }} > {{ max_amount }}
        {%- endfor -%}
    )
{%- endmacro %}
