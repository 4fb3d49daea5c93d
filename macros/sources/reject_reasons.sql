{#-
  The reject reasons of a row as one text, codes of the seed reject_reasons in the order given, separated by commas.

  Arguments   conditions  {code: SQL condition}; null counts as false
  Returns     text, empty when no condition is true; never null
  Example     {'missing_key': 'id is null', 'guest_order': 'customer_id is null'} gives 'missing_key,guest_order',
              'guest_order' or ''
-#}
{% macro reject_reasons(conditions) -%}
    concat_ws(
        ','
        {%- for code, condition in conditions.items() %},
        case when {{ condition }} then '{{ code }}' end
        {%- endfor %}
    )
{%- endmacro %}
