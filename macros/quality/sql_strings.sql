{#-
  A list of texts as SQL string literals, safely quoted, one per line.

  Arguments   values  list of texts
  Returns     the literals with commas between them, for use inside in (...)
  Example     ["paid", "customer's own"] gives 'paid', 'customer''s own'
-#}
{% macro sql_strings(values) -%}
    {%- for value in values -%}
        '{{ value | replace("'", "''") }}'
        {%- if not loop.last %},
        {% endif -%}
    {%- endfor -%}
{%- endmacro %}
