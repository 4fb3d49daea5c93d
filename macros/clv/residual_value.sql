{#-
  Expected margin of the purchases to come, discounted to T, to the cent.

      discounted purchases * expected spend * margin rate of all customers

  Arguments   discounted_purchases  SQL expression: expected purchases of a horizon, each discounted to T
  Returns     numeric(18, 2), reporting currency; null where the argument, or a column that the macro reads, is null
  Reads       expected_spend and population_margin_rate of the row
  Example     1.8 purchases of 50.00 at a margin rate of .3: 27.00
-#}
{% macro residual_value(discounted_purchases) -%}
    cast({{ discounted_purchases }} * expected_spend * population_margin_rate as numeric(18, 2))
{%- endmacro %}
