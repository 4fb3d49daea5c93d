{#-
  What a step adds of an amount: the amount, nothing, or its opposite.

  Arguments   step    1 (it enters), 0 (nothing changes) or -1 (it leaves)
              amount  SQL expression, numeric; null gives null where there is a step
  Returns     a number of the amount's type
  Example     step -1 and 12.50: -12.50
  Not a product, whose type would be wider and its sums slower.
-#}
{% macro signed_amount(step, amount) -%}
    (case {{ step }} when 1 then {{ amount }} when -1 then -{{ amount }} else 0 end)
{%- endmacro %}
