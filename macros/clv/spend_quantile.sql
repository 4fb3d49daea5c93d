{#-
  Quantile of a customer's spend in the next days. The spend of customers who buy is taken as Gamma distributed, with
  its known mean and mean square.

      k = mean^2 / variance of buyers;  z = standard normal quantile of u
      quantile = mean of buyers * max(0, 1 - 1 / (9 k) + z / (3 sqrt(k)))^3   (Wilson and Hilferty)

  Arguments   share           u, SQL expression, share_of_buyers of the quantile
              p_no_purchase   P0, probability that a customer who is alive makes no purchase
              spend           expected spend of a customer who is alive
              squared_spend   expected square of that spend
  Returns     double, reporting currency; 0 where u is 0; null where an argument is null
  Example     everybody buys, mean 100, mean square 11000 (k 10): u .1 gives 62.2, .9 gives 142.0
  Source      Wilson and Hilferty 1931. The Gamma is an approximation; how often ranges hold is in clv_backtest
-#}
{% macro spend_quantile(share, p_no_purchase, spend, squared_spend) -%}
    {#- 1 / k; a variance that rounding made negative counts as 0 #}
    {%- set spread = '((' ~ squared_spend ~ ') * (1 - ' ~ p_no_purchase ~ ') / nullif((' ~ spend ~ ') * (' ~ spend
        ~ '), 0) - 1)' -%}
    {%- set inverse = '(case when ' ~ spread ~ ' > 0 then ' ~ spread ~ ' else 0 end)' -%}
    {#- greatest and the case of the inverse would turn null into 0 #}
    (case
        when ({{ share }}) is null or ({{ squared_spend }}) is null then cast(null as {{ type_double() }})
        when ({{ share }}) <= 0 or ({{ spend }}) <= 0 then cast(0 as {{ type_double() }})
        else ({{ spend }}) / (1 - {{ p_no_purchase }})
            * power(greatest(
                1 - {{ inverse }} / 9 + {{ standard_normal_quantile(share) }} * sqrt({{ inverse }}) / 3, 0
            ), 3)
    end)
{%- endmacro %}
