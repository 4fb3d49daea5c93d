{#-
  Whether the absolute value of an amount is above a maximum, or an amount is negative in a column that may not be.

  Arguments   columns      typed columns that may be negative
              not_negative typed columns that may not be negative
              max_amount   largest absolute value
              unless       condition, such as 'gross_amount < 0', under which all of them may be; null counts as false
  Returns     boolean; null where all are null
-#}
{% macro out_of_range(columns, not_negative, max_amount, unless='1 = 0') -%}
    (
        {%- for column in columns + not_negative -%}
            {{ ' or ' if not loop.first }}abs({{ column }}) > {{ max_amount }}
        {%- endfor -%}
        {%- for column in not_negative %} or {{ column }} < 0 and coalesce(not ({{ unless }}), true){% endfor -%}
    )
{%- endmacro %}
