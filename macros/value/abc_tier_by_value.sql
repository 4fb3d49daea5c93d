{#-
  ABC tier of a value by the thresholds of a date.

      A if value >= value_a, else B if value >= value_b, else C

  Arguments   value    what customers are ranked by, reporting currency
              value_a  the smallest value on the date that is A (see abc_tier), positive; null: none is
              value_b  the smallest value on the date that is A or B, positive; null: none is
  Returns     'A', 'B' or 'C'; null where value is null. Equal to abc_tier for every value of the date itself
  Example     A from 80.00, B from 30.00: 80.00 is A, 79.99 is B, 0.00 is C
  Source      ABC (Pareto) analysis; design, section 4
-#}
{% macro abc_tier_by_value(value, value_a, value_b) -%}
    (
        case
            when ({{ value }}) is null then null
            when ({{ value }}) >= {{ value_a }} then 'A'
            when ({{ value }}) >= {{ value_b }} then 'B'
            else 'C'
        end
    )
{%- endmacro %}
