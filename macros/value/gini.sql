{#-
  Gini coefficient of a value over customers: twice the area between the Lorenz curve, largest value first, and the line
  of equality. Customers with equal values form a group; within a group the curve is straight.

      gini = twice the area below the curve / (customers * total value) - 1

  Arguments   twice_area   sum over the groups of: their customers * (2 * value up to their end - their own value)
              customers    number of customers, 1 or more
              total_value  sum of their values, none of which is below 0
  Returns     double, 0 (all values are equal) to below 1 (one customer holds everything); null where the total is 0
  Example     values 60, 20, 20, 0: 1 * (120 - 60) + 2 * (200 - 40) + 1 * 200 = 580; 580 / (4 * 100) - 1 = 0.45
  Source      Gini 1912; as half the mean difference of all pairs over the mean: 360 / (2 * 16 * 25) = 0.45
-#}
{% macro gini(twice_area, customers, total_value) -%}
    (
        cast({{ twice_area }} as {{ type_double() }})
        / nullif(cast({{ customers }} as {{ type_double() }}) * cast({{ total_value }} as {{ type_double() }}), 0)
        - 1
    )
{%- endmacro %}
