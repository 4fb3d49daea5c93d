{#-
  Probability that a customer who is alive makes no purchase in the next days, by the chosen model of purchases.

  Arguments   model       pareto_nbd, mbg_nbd or bg_nbd
              x           repeat purchase days, 0 or more
              age         T, days from the first purchase day to the as-of date, 0 or more
              horizon     t, days ahead, 0 or more
              parameters  name of the table with the columns r, alpha, s, beta, a and b, null where the model has none
  Returns     double, 0 to 1; null where an argument that the model has is null
  Example     model mbg_nbd: the result of beta_geometric_p_no_purchase
-#}
{% macro clv_p_no_purchase(model, x, age, horizon, parameters) -%}
    {%- set of = parameters ~ '.' -%}
    {%- if model == 'pareto_nbd' -%}
        {{ pareto_nbd_p_no_purchase(x, age, horizon, of ~ 'r', of ~ 'alpha', of ~ 's', of ~ 'beta') }}
    {%- else -%}
        {{ beta_geometric_p_no_purchase(x, age, horizon, of ~ 'r', of ~ 'alpha') }}
    {%- endif -%}
{%- endmacro %}
