{#-
  The amount times the step: the amount, 0, or its negative.

  Arguments   step    1 (it enters), 0 (nothing changes) or -1 (it leaves)
              amount  SQL expression, numeric; null gives null where there is a step
  Returns     a number of the amount's type
  Example     step -1 and 12.50: -12.50
  No product is used, because its type would be wider and its sums slower.
-#}
{% macro signed_amount(step, amount) -%}
    (case {{ step }} when 1 then {{ amount }} when -1 then -{{ amount }} else 0 end)
{%- endmacro %}
