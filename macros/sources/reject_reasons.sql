{#-
  The reject reasons of a row as one text, codes of the seed reject_reasons in the order given, parted by commas.

  Arguments   conditions  {code: SQL condition}; a condition that is null does not hold
  Returns     text, empty when no condition holds; never null
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
