{#-
  An amount in the reporting currency.

  Formula     amount * rate, rounded to the cent, halves away from zero
  Arguments   amount  SQL expression, numeric(18, 2), in its own currency; null gives null
              rate    SQL expression, numeric(18, 8), units of the reporting currency for one of its own; null: it is
                      in the reporting currency already
  Returns     numeric(18, 2); decimals throughout, so that all engines agree to the cent
  Example     10.05 at 1.10 is 11.06 (11.055 rounded)
-#}
{% macro converted(amount, rate) -%}
    (cast(case when {{ rate }} is null then {{ amount }} else {{ amount }} * {{ rate }} end as numeric(18, 2)))
{%- endmacro %}
