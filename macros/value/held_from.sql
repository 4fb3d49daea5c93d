{#-
  The date from which ABC thresholds count for a customer without a purchase in the window: the last month-end at which
  the whole month of the customer's last order was still in the window.

      held_from = last day of the month of the last order + (n - 1) months

  Arguments   frequency        orders in the window
              last_order_date  day of the last order; null: none
              window_months    n, length of the window in months, 1 or more
  Returns     date; null for customers with an order in the window, and without any order
  Example     last order on 2023-03-10, window of 12 months: 2024-02-29; on 2024-03-31 it has left the window
  Source      models/docs/decisions/0024-scores-rank-the-active.md
-#}
{% macro held_from(frequency, last_order_date, window_months) -%}
    (
        case
            when ({{ frequency }}) = 0 then cast({{ dbt.dateadd(
                'day', -1, dbt.dateadd('month', window_months, dbt.date_trunc('month', last_order_date))
            ) }} as date)
        end
    )
{%- endmacro %}
