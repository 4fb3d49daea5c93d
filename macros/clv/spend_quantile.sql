{#-
  Quantile of what a customer spends in the next days. With probability 1 - w nothing, w = P(alive) (1 - P0); else an
  amount of which mean and mean square are known, taken as Gamma distributed.

      u = (share - (1 - w)) / w;  k = mean^2 / variance of the positive part;  z = standard normal quantile of u
      quantile = mean of the positive part * max(0, 1 - 1 / (9 k) + z / (3 sqrt(k)))^3   (Wilson and Hilferty)

  Arguments   share           0 to 1, such as 0.1
              p_alive         probability that the customer is still one
              p_no_purchase   P0, probability that one who is still a customer makes no purchase
              spend           expected spend of one who is still a customer
              squared_spend   expected square of it
  Returns     double, reporting currency; 0 where u <= 0; null where an argument is null
  Example     for sure a customer and a purchase, mean 100, mean square 11000 (k 10): .1 gives 62.2, .9 gives 142.0
  Source      Wilson and Hilferty 1931. The Gamma is an approximation; how often intervals hold is in clv_backtest
-#}
{% macro spend_quantile(share, p_alive, p_no_purchase, spend, squared_spend) -%}
    {%- set w = '(' ~ p_alive ~ ' * (1 - ' ~ p_no_purchase ~ '))' -%}
    {%- set u = '((' ~ share ~ ' - 1 + ' ~ w ~ ') / ' ~ w ~ ')' -%}
    {#- one over k; a variance that rounding made negative is none #}
    {%- set spread = '(' ~ squared_spend ~ ' * (1 - ' ~ p_no_purchase ~ ') / nullif(' ~ spend ~ ' * ' ~ spend
        ~ ', 0) - 1)' -%}
    {%- set inverse = '(case when ' ~ spread ~ ' > 0 then ' ~ spread ~ ' else 0 end)' -%}
    (case
        when {{ w }} <= 1 - {{ share }} or {{ spend }} <= 0 then cast(0 as {{ type_double() }})
        else {{ spend }} / (1 - {{ p_no_purchase }})
            * power(greatest(
                1 - {{ inverse }} / 9 + {{ standard_normal_quantile(u) }} * sqrt({{ inverse }}) / 3, 0
            ), 3)
    end)
{%- endmacro %}
