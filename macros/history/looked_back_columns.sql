{#-
  What is asked of the slices before one: all that labels hang on for the opening, for those before it what the raw tier
  hangs on.

  Arguments   back  how many slices before, 1 (the opening) to var demotion_patience
  Returns     list of columns of int_customer_totals
-#}
{% macro looked_back_columns(back) -%}
    {%- set of_all = ['ranked_value', 'frequency', 'held_from'] -%}
    {%- set of_opening = [
        'order_count', 'net_revenue', 'monetary', 'previous_monetary', 'gap_count', 'gap_days', 'last_order_date'
    ] -%}
    {{ return(of_all + of_opening if back == 1 else of_all) }}
{%- endmacro %}
