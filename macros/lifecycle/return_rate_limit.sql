{#-
  The return rate over a shorter horizon that corresponds to a given rate over the whole horizon.

      limit = 1 - (1 - rate) ^ (months / horizon)

  Arguments   rate     share of customers who come back within the whole horizon, 0 to 1; a number
              months   the shorter horizon, 1 to horizon; a number
              horizon  the whole horizon, months; a number
  Returns     SQL number, 0 to 1; the rate itself for the whole horizon
  Example     .20 within 6 months: 1 - .8 ^ .5 = .1056 within 3
  Source      a constant chance of coming back: no return in 6 months is no return in 3, twice
-#}
{% macro return_rate_limit(rate, months, horizon) -%}
    {{ rate if months == horizon else '(1 - power(1 - ' ~ rate ~ ', ' ~ months / horizon ~ '))' }}
{%- endmacro %}
