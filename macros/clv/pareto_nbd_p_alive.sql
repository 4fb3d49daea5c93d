{#-
  Probability that a customer is alive, Pareto/NBD.

      P = 1 / (1 + s int_{t_x}^{T} ((alpha + T) / (alpha + y))^(r + x) ((beta + T) / (beta + y))^s dy / (beta + y))

  in u = ln(y + m), m = min(alpha, beta), by 12 Gauss-Legendre nodes (gauss_legendre_nodes), with the integrand's value
  at t_x, where it is largest, taken out. The closed form has 2F1, whose series diverges for realistic customers.

  Arguments   x                      repeat purchase days, 0 or more
              t_x                    days from the first purchase day to the last, 0 where x = 0
              age                    T, days from the first purchase day to the as-of date, t_x or more
              r, alpha, s, beta      parameters, positive; alpha and beta in days
  Returns     double, 0 < P <= 1; 1 where t_x = T; null where an argument is null. Relative error under 1e-9, or
              1e-12 in all; 1e-8 where T is more than 2000 times alpha or beta
  Example     CDNOW in weeks, r .55315, alpha 10.57633, s .60625, beta 11.67150: x 26, t_x 30.857, T 31 gives .997874
  Source      Schmittlein, Morrison and Colombo 1987
-#}
{% macro pareto_nbd_p_alive(x, t_x, age, r, alpha, s, beta) -%}
    {%- set m = '(case when ' ~ alpha ~ ' < ' ~ beta ~ ' then ' ~ alpha ~ ' else ' ~ beta ~ ' end)' -%}
    {%- set span = 'ln((' ~ m ~ ' + ' ~ age ~ ') / (' ~ m ~ ' + ' ~ t_x ~ '))' -%}
    {#- least and greatest ignore null; the last term makes the result null #}
    (1 / (1 + {{ s }} * {{ span }} * exp(least(
        ({{ r }} + {{ x }}) * ln(({{ alpha }} + {{ age }}) / ({{ alpha }} + {{ t_x }}))
        + {{ s }} * ln(({{ beta }} + {{ age }}) / ({{ beta }} + {{ t_x }})), 600
    )) * (
        {% for node, weight in gauss_legendre_nodes() -%}
        {%- set with_m = '(' ~ m ~ ' + ' ~ t_x ~ ') * exp(' ~ span ~ ' * cast(' ~ node ~ ' as ' ~ type_double() ~ '))' -%}
        cast({{ weight }} as {{ type_double() }}) * exp(greatest(
            -({{ r }} + {{ x }}) * ln(({{ with_m }} - {{ m }} + {{ alpha }}) / ({{ alpha }} + {{ t_x }}))
            - {{ s }} * ln(({{ with_m }} - {{ m }} + {{ beta }}) / ({{ beta }} + {{ t_x }})), -600
        )) * {{ with_m }} / ({{ with_m }} - {{ m }} + {{ beta }})
        {{- ' + ' if not loop.last }}
        {% endfor -%}
    )) + 0 * ({{ x }} + {{ t_x }} + {{ age }} + {{ r }} + {{ alpha }} + {{ s }} + {{ beta }}))
{%- endmacro %}
