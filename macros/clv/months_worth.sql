{#-
  Present value of one purchase a month over a number of months, each purchase in the middle of its month.

      sum over k = 1 .. months of (1 + i)^(-(k - 1/2) / 12)

  Arguments   months  whole number, 1 or more
              rate    i, a rate per year, above -1
  Returns     text, a number with 15 decimals, at most months where i is 0 or more
  Example     12 months at 10 %: 11.446
-#}
{% macro months_worth(months, rate) -%}
    {%- set v = (1 + rate) ** (-1 / 12) -%}
    {%- set worth = months if v == 1 else v ** 0.5 * (1 - v ** months) / (1 - v) -%}
    {{ return('%.15f' | format(worth)) }}
{%- endmacro %}
