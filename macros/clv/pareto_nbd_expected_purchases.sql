{#-
  Expected purchases of a customer who is alive in the next days, Pareto/NBD. Times P(alive), they are the expected
  purchases of any customer. They depend on x and T alone, so compute them once per pair.

      E = (r + x) (beta + T) / ((alpha + T) (s - 1)) (1 - ((beta + T) / (beta + T + t))^(s - 1))

  and its limit at s = 1, by k = (s - 1) ln(1 + t / (beta + T)) and a series where k, or t / (beta + T), is small.

  Arguments   x                      repeat purchase days, 0 or more
              age                    T, days from the first purchase day to the as-of date, 0 or more
              horizon                t, days ahead, 0 or more
              r, alpha, s, beta      parameters, positive; alpha and beta in days
  Returns     double, purchase days, 0 or more; null where an argument is null
  Example     in weeks, parameters .55, 10.58, .61, 11.67: x 132, T 200, t 10 gives 6.2060517889632
  Source      Schmittlein, Morrison and Colombo 1987
-#}
{% macro pareto_nbd_expected_purchases(x, age, horizon, r, alpha, s, beta) -%}
    {%- set z = '(' ~ horizon ~ ' / (' ~ beta ~ ' + ' ~ age ~ '))' -%}
    {%- set ln_growth = '(case when ' ~ z ~ ' < 0.0001 then ' ~ z ~ ' * (1 - ' ~ z ~ ' * (0.5 - ' ~ z ~ ' / 3)) '
        ~ 'else ln(1 + ' ~ z ~ ') end)' -%}
    {%- set k = '((' ~ s ~ ' - 1) * ' ~ ln_growth ~ ')' -%}
    (({{ r }} + {{ x }}) * ({{ beta }} + {{ age }}) / ({{ alpha }} + {{ age }}) * case
        when abs({{ k }}) < 0.0001
            then {{ ln_growth }} * (1 - {{ k }} * (0.5 - {{ k }} * (1 - {{ k }} * 0.25) / 6))
        else (1 - exp(greatest(least(-{{ k }}, 600), -600))) / ({{ s }} - 1)
    end)
{%- endmacro %}
