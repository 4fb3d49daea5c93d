{#-
  Purchase days per month if the last window is repeated: orders in the window x purchase days per order so far.

      rate = 0 for churned customers, else frequency * purchase_days / order_count / window_months

  Arguments   is_churned     condition; null counts as false
              frequency      orders of the window, 0 or more
              purchase_days  all days with an order so far, 0 or more
              order_count    all orders so far, 0 or more
              window_months  length of the window, 1 or more
  Returns     double, purchase days per month, 0 or more; null without an order, unless churned
  Example     6 orders in a window of 12 months, 8 orders on 4 days in all: 6 * 4 / 8 / 12 = 0.25
-#}
{% macro last_window_rate(is_churned, frequency, purchase_days, order_count, window_months) -%}
    (case
        when {{ is_churned }} then cast(0 as {{ type_double() }})
        else cast({{ frequency }} as {{ type_double() }}) * {{ purchase_days }} / nullif({{ order_count }}, 0)
            / {{ window_months }}
    end)
{%- endmacro %}
