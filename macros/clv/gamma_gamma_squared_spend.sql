{#-
  Expected square of the spend of a customer who is alive in the next days, Gamma-Gamma; with the expected spend it
  gives the variance of the total.

      E[S^2] = M^2 (k - 1) / (k - 2) (E[X^2] + E[X] / p),   k = p n + q, M = gamma_gamma_expected_spend

  k - 2 counts as 0.5 where it is less: for k of 2 or less the variance is infinite. A spend that is not modelled (n, p
  or q null) is M on every purchase day: M^2 E[X^2].

  Arguments   n               purchase days behind M, 0 or more
              expected_spend  M, mean spend per purchase day, reporting currency
              purchases       E[X], expected purchases of a customer who is alive
              factorial       E[X (X - 1)] of these purchases
              p, q            parameters, positive, q above 1; null without a fit of spend
  Returns     double, squares of the reporting currency; null where M, E[X] or E[X (X - 1)] is null
  Example     CDNOW, p 6.25, q 3.74, n 0, M 35.22, one purchase for sure (E[X] 1, factorial 0):
              35.22^2 * 2.74 / 1.74 * (1 + 1 / 6.25) = 2265.9
  Source      Fader and Hardie 2013: spend is Gamma(p, nu), nu of a customer Gamma(k, gamma + n m)
-#}
{% macro gamma_gamma_squared_spend(n, expected_spend, purchases, factorial, p, q) -%}
    {%- set k = '(' ~ p ~ ' * ' ~ n ~ ' + ' ~ q ~ ')' -%}
    (
        {{ expected_spend }} * {{ expected_spend }} * coalesce(
            ({{ k }} - 1) / case when {{ k }} > 2.5 then {{ k }} - 2 else 0.5 end
            * ({{ factorial }} + {{ purchases }} + {{ purchases }} / {{ p }}),
            {{ factorial }} + {{ purchases }}
        )
    )
{%- endmacro %}
