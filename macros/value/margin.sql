{#-
  Margin of an amount of net revenue.

      margin = net revenue - cost                   where the cost is known
             = net revenue * default margin rate    where it is not (an estimate)

  Arguments   net_revenue          numeric(18, 2), reporting currency; may be negative (a refund)
              cost                 numeric(18, 2); null means unknown
              default_margin_rate  share of net revenue, 0 to 1
  Returns     numeric(18, 2), rounded to the cent, halves away from zero; null where net_revenue is null
  Example     margin of 10.00 at cost 6.50 = 3.50; at unknown cost and rate 0.30 = 3.00
  Source      design, section 4; gross margin as in any management-accounting text
  Decimal all the way: a product of doubles would round halves by chance, and differently per engine.
-#}
{% macro margin(net_revenue, cost, default_margin_rate) -%}
    (cast(
        coalesce(
            ({{ net_revenue }}) - ({{ cost }}),
            round(cast({{ net_revenue }} as numeric(18, 2)) * cast({{ default_margin_rate }} as numeric(9, 6)), 2)
        ) as numeric(18, 2)
    ))
{%- endmacro %}
