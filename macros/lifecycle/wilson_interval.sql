{#-
  One end of the Wilson interval, which contains the true share with 95 %. Unlike share +- z * standard error, it stays
  within 0 and 1, and suits few customers and shares near 0 or 1.

      p = successes / trials
      (p + z^2 / (2 * trials) -+ z * sqrt(p * (1 - p) / trials + z^2 / (4 * trials^2))) / (1 + z^2 / trials)

  Arguments   successes  SQL expression, whole number, 0 to trials
              trials     SQL expression, whole number
              side       low or high
              z          quantile of the standard normal distribution for the confidence; 95 %: 1.96
  Returns     double, 0 to 1; null where trials are null or 0, or successes are null
  Example     81 of 263: .2553 to .3662; 0 of 20: 0 to .1611
  Source      E. B. Wilson, Probable inference, the law of succession, and statistical inference, 1927; examples:
              R. G. Newcombe, Two-sided confidence intervals for the single proportion, 1998, table I, method 3
-#}
{% macro wilson_interval(successes, trials, side, z=1.959963984540054) -%}
    {%- set x = 'cast(' ~ successes ~ ' as ' ~ type_double() ~ ')' -%}
    {%- set n = 'cast(' ~ trials ~ ' as ' ~ type_double() ~ ')' -%}
    {%- set centre = x ~ ' + ' ~ z * z / 2 -%}
    {%- set spread = z ~ ' * sqrt(' ~ x ~ ' * (' ~ n ~ ' - ' ~ x ~ ') / ' ~ n ~ ' + ' ~ z * z / 4 ~ ')' -%}
    (
        case
            {#- at the ends the root is exact on paper, and almost so in doubles -#}
            {%- if side == 'low' %}
            when ({{ trials }}) > 0 and ({{ successes }}) = 0 then 0
            when ({{ trials }}) > 0 then ({{ centre }} - {{ spread }}) / ({{ n }} + {{ z * z }})
            {%- else %}
            when ({{ trials }}) > 0 and ({{ successes }}) = ({{ trials }}) then 1
            when ({{ trials }}) > 0 then ({{ centre }} + {{ spread }}) / ({{ n }} + {{ z * z }})
            {%- endif %}
        end
    )
{%- endmacro %}
