{#-
  Expected mean spend per purchase day of a customer, Gamma-Gamma: the customer's own mean, drawn towards the mean of
  all customers, more so with fewer purchases.

      expected spend = p (gamma + n m) / (p n + q - 1)

  Arguments   n             purchase days behind the mean, 0 or more
              m             mean spend per purchase day, reporting currency; below zero counts as 0, and so does null
                            (n = 0)
              p, q, gamma   parameters, positive, q above 1; gamma in the reporting currency
  Returns     double, reporting currency, positive; null where n or a parameter is null
  Example     CDNOW, p 6.25, q 3.74, gamma 15.44: n = 0 gives 6.25 * 15.44 / 2.74 = 35.22; n 2, m 22.35 gives
              6.25 * 60.14 / 15.24 = 24.66
  Source      Fader and Hardie 2013, The Gamma-Gamma model of monetary value
-#}
{% macro gamma_gamma_expected_spend(n, m, p, q, gamma) -%}
    (
        {{ p }} * ({{ gamma }} + {{ n }} * case when {{ m }} > 0 then {{ m }} else 0 end)
        / ({{ p }} * {{ n }} + {{ q }} - 1)
    )
{%- endmacro %}
