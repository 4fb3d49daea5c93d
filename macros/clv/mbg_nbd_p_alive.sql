{#-
  Probability that a customer is alive, MBG/NBD: customers may leave after each purchase, also after the first.

      P = 1 / (1 + a / (b + x) ((alpha + T) / (alpha + t_x))^(r + x))

  Arguments   x                 repeat purchase days, 0 or more
              t_x               days from the first purchase day to the last, 0 where x = 0
              age               T, days from the first purchase day to the as-of date, t_x or more
              r, alpha, a, b    parameters, positive; alpha in days
  Returns     double, 0 < P < 1; null where an argument is null
  Example     CDNOW in weeks, r .525, alpha 6.183, a .891, b 1.614: x 0, t_x 0, T 0 gives b / (a + b) = .6443
  Source      Batislam, Denizel and Filiztekin 2007
-#}
{% macro mbg_nbd_p_alive(x, t_x, age, r, alpha, a, b) -%}
    {%- set exponent = '(ln(' ~ a ~ ' / (' ~ b ~ ' + ' ~ x ~ ')) + (' ~ r ~ ' + ' ~ x ~ ') * ln(('
        ~ alpha ~ ' + ' ~ age ~ ') / (' ~ alpha ~ ' + ' ~ t_x ~ ')))' -%}
    {#- least and greatest ignore null; the last term makes the result null #}
    (1 / (1 + exp(least(greatest({{ exponent }}, -600), 600)))
        + 0 * ({{ x }} + {{ t_x }} + {{ age }} + {{ r }} + {{ alpha }} + {{ a }} + {{ b }}))
{%- endmacro %}
