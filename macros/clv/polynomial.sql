{#-
  A polynomial by Horner's rule.

  Arguments   x             SQL expression
              coefficients  list of texts, highest power first
  Returns     double; null where x is null
  Example     polynomial('x', ['1', '2', '3']) is x^2 + 2 x + 3: 6 for x = 1
-#}
{% macro polynomial(x, coefficients) -%}
    {%- set terms = [] -%}
    {%- for coefficient in coefficients -%}
        {%- set number = 'cast(' ~ coefficient ~ ' as ' ~ type_double() ~ ')' -%}
        {%- do terms.append(number if loop.first else '(' ~ terms[-1] ~ ' * ' ~ x ~ ' + ' ~ number ~ ')') -%}
    {%- endfor -%}
    {{ terms[-1] }}
{%- endmacro %}
