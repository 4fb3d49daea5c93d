{#-
  Calendar months from one date to another, by year and month alone. dbt.datediff says one more on Spark from the end of a
  long month to that of a shorter one.

      12 * (year of second - year of first) + month of second - month of first

  Arguments   first_date   SQL expression: date
              second_date  SQL expression: date
  Returns     whole number; negative where second_date is in an earlier month
  Example     2023-08-31 to 2023-09-30: 1, as 2023-08-01 to 2023-09-30
-#}
{% macro months_between(first_date, second_date) -%}
    (
        12 * (extract(year from {{ second_date }}) - extract(year from {{ first_date }}))
        + extract(month from {{ second_date }}) - extract(month from {{ first_date }})
    )
{%- endmacro %}
