{#-
  The horizons over which returns are counted: var churn_horizon_months and, where the past is too short for it, 3
  months, then 1.

  Arguments   asked  months, var churn_horizon_months
  Returns     list of months, longest first, each once
-#}
{% macro return_horizons(asked) -%}
    {%- set months = [asked] -%}
    {%- for shorter in [3, 1] if shorter < asked -%}
        {%- do months.append(shorter) -%}
    {%- endfor -%}
    {{ return(months) }}
{%- endmacro %}
