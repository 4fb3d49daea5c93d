{#-
  One end of the range of the margin, given the range of the spend. If the margin rate is negative, high spend means low
  value, so the bounds swap.

  Formula     spend * margin rate, to the cent
  Arguments   side         low or high
              low, high    SQL expressions, the ends of the range of the spend, reporting currency
              margin_rate  SQL expression, margin per unit of net revenue
  Returns     numeric(18, 2), reporting currency; null where an argument is null
  Example     10 to 20 at a rate of -.5: low -10.00, high -5.00
-#}
{% macro margin_of_range(side, low, high, margin_rate) -%}
    (cast(
        case
            when {{ margin_rate }} >= 0 then {{ low if side == 'low' else high }}
            else {{ high if side == 'low' else low }}
        end * {{ margin_rate }} as numeric(18, 2)
    ))
{%- endmacro %}
