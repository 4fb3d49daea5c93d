{#-
  Bin of a probability, of equal width on the scale of the arcsine of its root. The standard error of a share is the
  same everywhere on this scale, so bins are narrow near 0 and 1: 1 % and 10 % are in different bins.

      bin = floor(20 * 2 / pi * asin(sqrt(p))), the last for p = 1 too

  Arguments   p       probability, 0 to 1
  Returns     integer, 0 to 19; null where p is null
  Example     .006: 0, for its bin ends at .00616; .5 begins bin 10; 1: 19
  Source      Anscombe 1948: the arcsine of the root steadies the variance of a share
-#}
{% macro chance_bin(p) -%}
    (case
        when {{ p }} >= 1 then 19
        when {{ p }} <= 0 then 0
        when {{ p }} is not null then cast(floor(
            asin(sqrt({{ p }})) * cast(12.732395447351626 as {{ type_double() }})
        ) as integer)
    end)
{%- endmacro %}
