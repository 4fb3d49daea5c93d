{#-
  Share of the total value that customers strictly ahead hold, when customers are ordered by value, largest first.

      c = value of all customers strictly ahead / total positive value

  Arguments   value_ahead           sum of the positive values larger than the customer's own, numeric with two decimals
              total_positive_value  sum of all positive values, numeric with two decimals
  Returns     double, 0 (nobody ahead) to 1 (all of the positive value ahead: a value of 0 or less);
              null where there is no positive value at all
  Example     values 50, 30, 20: c = 0, 0.50, 0.80. Values 40, 40, 20: c = 0, 0, 0.80: equal values have equal shares
  Whole cents are divided, so that a share of exactly 0.80 is the double 0.80 and not its neighbour, and cut-offs are
  exact.
  Source      ABC (Pareto) analysis; strictly ahead, so that ties never split (design, section 4)
-#}
{% macro abc_cumulative_share(value_ahead, total_positive_value) -%}
    (
        cast(cast(({{ value_ahead }}) * 100 as bigint) as {{ type_double() }})
        / nullif(cast(cast(({{ total_positive_value }}) * 100 as bigint) as {{ type_double() }}), 0)
    )
{%- endmacro %}
