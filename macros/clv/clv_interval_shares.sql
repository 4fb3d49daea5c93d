{#-
  The ends of the range of the value to come, as quantiles over similar customers.

  Arguments   probability  probability of the range, var clv_interval, 0 to 1

  Returns     mapping of low and high to numbers, 0 to 1
  Example     .8: low .1, high .9
-#}
{% macro clv_interval_shares(probability) -%}
    {{ return({'low': ((1 - probability) / 2) | round(6), 'high': ((1 + probability) / 2) | round(6)}) }}
{%- endmacro %}
