{#-
  Bin of an overdue ratio, half a ratio wide, counted downwards, so that the bins rise as the chance of an order does.

      bin = -min(floor(2 * ratio), 20)

  Arguments   overdue_ratio  days since the last order / expected gap, 0 or more
  Returns     integer, -20 (ten gaps or more) to 0 (less than half of one); null where the ratio is null
  Example     1.0: -2; .99: -1; 30: -20
-#}
{% macro overdue_bin(overdue_ratio) -%}
    (case
        when {{ overdue_ratio }} >= 10 then -20
        when {{ overdue_ratio }} is not null then -cast(floor(2 * {{ overdue_ratio }}) as integer)
    end)
{%- endmacro %}
