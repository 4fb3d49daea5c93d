{#-
  The method of the published chance of an order: the recalibrated chance of the model, else the model's own chance, or,
  by var p_order_method, the return rate by overdue ratio.

  Arguments   is_ratio_better  condition: the ratio forecast better on the last past origin; may be null
              has_ratio        condition: there is a return rate by overdue ratio
              has_curve        condition: there is a past origin to recalibrate by, and a fit
              has_fit          condition: there is a fit
              method           var p_order_method: auto, model or overdue_ratio
  Returns     text: overdue_ratio, recalibrated or raw; null where there is none
  Example     auto, the ratio was worse, all are there: recalibrated
-#}
{% macro chance_method(is_ratio_better, has_ratio, has_curve, has_fit, method) -%}
    (case
        {% if method == 'overdue_ratio' -%}
        when {{ has_ratio }} then 'overdue_ratio'
        {% elif method == 'auto' -%}
        when {{ is_ratio_better }} and {{ has_ratio }} then 'overdue_ratio'
        {% endif -%}
        when {{ has_curve }} then 'recalibrated'
        when {{ has_fit }} then 'raw'
        {%- if method == 'auto' %}
        when {{ has_ratio }} then 'overdue_ratio'
        {%- endif %}
    end)
{%- endmacro %}
