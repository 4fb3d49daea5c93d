{#-
  Probability that a customer is alive, by the chosen model of purchases.

  Arguments   model       pareto_nbd, mbg_nbd or bg_nbd
              x           repeat purchase days, 0 or more
              t_x         days from the first purchase day to the last, 0 to age
              age         T, days from the first purchase day to the as-of date, 0 or more
              parameters  name of the table with the columns r, alpha, s, beta, a and b, null where the model has none
  Returns     double, 0 to 1; null where an argument that the model has is null
  Example     model mbg_nbd: the result of mbg_nbd_p_alive
-#}
{% macro clv_p_alive(model, x, t_x, age, parameters) -%}
    {%- set of = parameters ~ '.' -%}
    {%- if model == 'pareto_nbd' -%}
        {{ pareto_nbd_p_alive(x, t_x, age, of ~ 'r', of ~ 'alpha', of ~ 's', of ~ 'beta') }}
    {%- elif model == 'mbg_nbd' -%}
        {{ mbg_nbd_p_alive(x, t_x, age, of ~ 'r', of ~ 'alpha', of ~ 'a', of ~ 'b') }}
    {%- else -%}
        {{ bg_nbd_p_alive(x, t_x, age, of ~ 'r', of ~ 'alpha', of ~ 'a', of ~ 'b') }}
    {%- endif -%}
{%- endmacro %}
