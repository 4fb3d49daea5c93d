{#-
  Mean amount per customer, to the cent.

  Formula     total / customers, halves of a cent away from zero: sign * floor((2 * cents + n) / (2 * n)) / 100.
              Whole cents are doubled and divided, because a quotient of doubles that ends in half a cent is rounded
              otherwise by every engine: 3272.75 / 10 gave 327.27 on DuckDB and 327.28 on Postgres
  Arguments   total      SQL expression, numeric; null gives null
              customers  SQL expression, whole number, 1 or more
  Returns     numeric(18, 2); exact for totals below 45 * 10^12
  Example     3272.75 of 10 customers is 327.28, -0.01 of 2 is -0.01
-#}
{% macro mean_amount(total, customers) -%}
    (cast(
        cast(sign({{ total }}) as {{ type_double() }})
        * floor((cast(abs({{ total }}) * 200 as {{ type_double() }}) + {{ customers }}) / (2 * {{ customers }}))
        / 100 as numeric(18, 2)
    ))
{%- endmacro %}
