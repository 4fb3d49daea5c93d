{#-
  Quantile of the standard normal distribution, by Acklam's rational approximation.

  Arguments   share  SQL expression, 0 to 1
  Returns     double; shares below 1e-300 and above 1 - 1e-16 count as these limits; null where the share is null.
              Relative error under 1.2e-9
  Example     .9 gives 1.2815516, .5 gives 0
  Source      P. J. Acklam, An algorithm for computing the inverse normal cumulative distribution function, 2003
-#}
{% macro standard_normal_quantile(share) -%}
    {%- set a = ['-39.69683028665376', '220.9460984245205', '-275.9285104469687', '138.3577518672690',
        '-30.66479806614716', '2.506628277459239'] -%}
    {%- set b = ['-54.47609879822406', '161.5858368580409', '-155.6989798598866', '66.80131188771972',
        '-13.28068155288572', '1'] -%}
    {%- set c = ['-0.007784894002430293', '-0.3223964580411365', '-2.400758277161838', '-2.549732539343734',
        '4.374664141464968', '2.938163982698783'] -%}
    {%- set d = ['0.007784695709041462', '0.3224671290700398', '2.445134137142996', '3.754408661907416', '1'] -%}
    {%- set middle = '((' ~ share ~ ') - 0.5)' -%}
    {%- set low = 'sqrt(-2 * ln(greatest((' ~ share ~ '), cast(1e-300 as ' ~ type_double() ~ '))))' -%}
    {%- set high = 'sqrt(-2 * ln(greatest(1 - (' ~ share ~ '), cast(1e-16 as ' ~ type_double() ~ '))))' -%}
    (case
        when ({{ share }}) < 0.02425 then {{ polynomial(low, c) }} / {{ polynomial(low, d) }}
        when ({{ share }}) > 0.97575 then -{{ polynomial(high, c) }} / {{ polynomial(high, d) }}
        else {{ polynomial(middle ~ ' * ' ~ middle, a) }} * {{ middle }} / {{ polynomial(middle ~ ' * ' ~ middle, b) }}
    end)
{%- endmacro %}
