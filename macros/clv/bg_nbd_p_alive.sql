{#-
  Probability that a customer is alive, BG/NBD: customers may leave after each repeat purchase, so customers without a
  repeat purchase are alive with certainty. Kept as an anchor for tests; mbg_nbd_p_alive does not have that flaw.

      P = 1 / (1 + a / (b + x - 1) ((alpha + T) / (alpha + t_x))^(r + x)), 1 where x = 0

  Arguments   x                 repeat purchase days, 0 or more
              t_x               days from the first purchase day to the last, 0 where x = 0
              age               T, days from the first purchase day to the as-of date, t_x or more
              r, alpha, a, b    parameters, positive; alpha in days
  Returns     double, 0 < P <= 1; null where an argument is null
  Example     CDNOW in weeks, r .243, alpha 4.414, a .793, b 2.426: x 26, t_x 30.857, T 31 gives .96885
  Source      Fader, Hardie and Lee 2005
-#}
{% macro bg_nbd_p_alive(x, t_x, age, r, alpha, a, b) -%}
    {%- set exponent = '(ln(' ~ a ~ ' / nullif(' ~ b ~ ' + ' ~ x ~ ' - 1, 0)) + (' ~ r ~ ' + ' ~ x ~ ') * ln(('
        ~ alpha ~ ' + ' ~ age ~ ') / (' ~ alpha ~ ' + ' ~ t_x ~ ')))' -%}
    {#- least and greatest ignore null; the last term makes the result null #}
    (case when {{ x }} = 0 then 1 else 1 / (1 + exp(least(greatest({{ exponent }}, -600), 600))) end
        + 0 * ({{ x }} + {{ t_x }} + {{ age }} + {{ r }} + {{ alpha }} + {{ a }} + {{ b }}))
{%- endmacro %}
