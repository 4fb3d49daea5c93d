{#-
  Present value of one amount, the term of V = sum((Q_t - C_t) * (1 + i)^-t).

      discounted value = amount * (1 + i) ^ (-days / 365)

  Arguments   amount                Q_t - C_t, money that comes (or, negative, goes) at time t
              days                  t in whole days after the date of the present value; negative days compound
              annual_discount_rate  i, a rate per year of 365 days, greater than -1 (0.10 = 10 %)
  Returns     double, same currency as amount; null where amount or days is null
  Example     110 in 365 days at i = 0.10 is worth 100 today; any amount at t = 0 or i = 0 is worth itself
  Source      net present value at irregular dates, as the spreadsheet function XNPV defines it
-#}
{% macro discounted_value(amount, days, annual_discount_rate) -%}
    (
        cast({{ amount }} as {{ type_double() }})
        * power(cast(1 as {{ type_double() }}) + ({{ annual_discount_rate }}), -({{ days }}) / cast(365 as {{ type_double() }}))
    )
{%- endmacro %}
