{#-
  Probability that a customer who is alive makes no purchase in the next days, BG/NBD and MBG/NBD: customers leave right
  after a purchase, so a customer without a purchase stays.

      P0 = (1 + t / (alpha + T))^-(r + x)

  Arguments   x          repeat purchase days, 0 or more
              age        T, days from the first purchase day to the as-of date, 0 or more
              horizon    t, days ahead, 0 or more
              r, alpha   parameters, positive; alpha in days
  Returns     double, 0 to 1; null where an argument is null
  Example     x 1, r 1, alpha 10, T 10, t 20: 2^-2 = .25
  Source      Fader, Hardie and Lee 2005
-#}
{% macro beta_geometric_p_no_purchase(x, age, horizon, r, alpha) -%}
    (exp(greatest(-({{ r }} + {{ x }}) * ln(1 + {{ horizon }} / ({{ alpha }} + {{ age }})), -600)))
{%- endmacro %}
