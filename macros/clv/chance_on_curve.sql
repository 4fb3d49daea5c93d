{#-
  The chance at a position on a curve of int_order_chance_curves: straight lines from knot to knot.

      chance + (x - position) * slope, the slope below the knot or above it

  Arguments   position  x, where on the curve: the model's chance, or 1 / (1 + overdue ratio)
              curve     alias of the curve's row for the bin of x
  Returns     double, 0 to 1; null where there is no row for the bin, or x is null
  Example     knot at .2 with chance .3, slope above .5: x .3 gives .35
-#}
{% macro chance_on_curve(position, curve) -%}
    (case
        when {{ position }} is null or {{ curve }}.chance is null then cast(null as {{ type_double() }})
        else greatest(0, least(1, {{ curve }}.chance + ({{ position }} - {{ curve }}.position) * case
            when {{ position }} < {{ curve }}.position then {{ curve }}.slope_below else {{ curve }}.slope_above
        end))
    end)
{%- endmacro %}
