{#-
  A quantile of spend over all similar customers as a quantile over the customers among them who buy. A customer buys
  with probability w; in order of spend, customers without a purchase come first.

      u = (share - (1 - w)) / w, at least 0

  Arguments   share   0 to 1, such as 0.1
              chance  w, SQL expression, probability of any purchase, 0 to 1
  Returns     double, 0 to 1; null where the chance is null
  Example     share .9, chance .5: .8; share .1, chance .5: 0
-#}
{% macro share_of_buyers(share, chance) -%}
    (case
        when ({{ chance }}) <= 1 - {{ share }} then cast(0 as {{ type_double() }})
        else ({{ share }} - 1 + ({{ chance }})) / ({{ chance }})
    end)
{%- endmacro %}
