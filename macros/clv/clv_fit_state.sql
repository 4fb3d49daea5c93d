{#-
  State of the parameters in force on a date.

  Arguments   last_fit_date    last fit date by then; null: none yet
              attempted_as_of  last date by then with an attempted fit, successful or not; null: none
              fitted_as_of     last date by then with a successful fit; null: none
  Returns     no fit date yet, awaiting fit (the last fit date has not been attempted), no fit, carried forward (the
              last attempt failed) or fitted; never null
  Example     fit date 2024-06-30, attempted then, last success 2024-03-31: carried forward
-#}
{% macro clv_fit_state(last_fit_date, attempted_as_of, fitted_as_of) -%}
    (case
        when ({{ last_fit_date }}) is null then 'no fit date yet'
        when ({{ attempted_as_of }}) is null or ({{ attempted_as_of }}) < ({{ last_fit_date }}) then 'awaiting fit'
        when ({{ fitted_as_of }}) is null then 'no fit'
        when ({{ fitted_as_of }}) < ({{ attempted_as_of }}) then 'carried forward'
        else 'fitted'
    end)
{%- endmacro %}
