{#-
  ABC tier of a customer.

      C if value <= 0, else A if c < cutoff a, else B if c < cutoff b, else C

  Arguments   value             what customers are ranked by, reporting currency
              cumulative_share  c, see abc_cumulative_share
              cutoff_a          share, 0 < cutoff_a <= cutoff_b
              cutoff_b          share, cutoff_b <= 1
  Returns     'A', 'B' or 'C'; null where value is null (no order by the as-of date)
  Example     cut-offs 0.80 and 0.95: the largest customer is A (c = 0) however large; c = 0.80 is B; c = 0.95 is C
  Source      ABC (Pareto) analysis; design, section 4
-#}
{% macro abc_tier(value, cumulative_share, cutoff_a, cutoff_b) -%}
    (
        case
            when ({{ value }}) is null then null
            when ({{ value }}) <= 0 then 'C'
            when ({{ cumulative_share }}) < {{ cutoff_a }} then 'A'
            when ({{ cumulative_share }}) < {{ cutoff_b }} then 'B'
            else 'C'
        end
    )
{%- endmacro %}
