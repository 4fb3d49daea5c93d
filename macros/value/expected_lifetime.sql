{#-
  Expected lifetime of a customer at a steady churn rate.

      annual churn rate = customers lost in a year / customers at its start
      expected lifetime = 1 / annual churn rate

  Arguments   customers_at_start  how many there were when the year began
              customers_lost      customers among them who were lost by the end of the year, 0 to customers_at_start
  Returns     double, years, 1 or more; null where nobody was lost or an argument is null
  Example     of 100 customers losing 20 a year: 5 years; losing 10 a year: 10 years
  Source      mean of the geometric distribution; design, section 4
-#}
{% macro expected_lifetime(customers_at_start, customers_lost) -%}
    (cast({{ customers_at_start }} as {{ type_double() }}) / nullif(cast({{ customers_lost }} as {{ type_double() }}), 0))
{%- endmacro %}
