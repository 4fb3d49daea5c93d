{#-
  Lifecycle stage of a customer, the first whose condition is true:

      prospect     no order
      churned      overdue ratio >= churned_overdue_ratio and recency > churned_min_recency_days
      decline      overdue ratio >= decline_overdue_ratio, or window revenue < decline_revenue_ratio * the previous
                   window's, where that was positive
      stability    orders >= stability_min_orders
      formation    orders >= formation_min_orders
      exploration  at least one order

  Arguments   order_count               orders by the as-of date; null counts as none
              recency_days              days since the last order
              overdue_ratio             recency / expected gap; null (no rhythm known) is never overdue
              monetary                  net revenue in the window
              previous_monetary         net revenue in the window before it
              churned_overdue_ratio, decline_overdue_ratio, decline_revenue_ratio   thresholds of the date; nobody
                                        reaches a null threshold
              churned_min_recency_days, stability_min_orders, formation_min_orders   see the vars of these names
  Returns     one of the six names, never null
  Example     5 orders, recency 90 days, expected gap 30 (ratio 3), thresholds 4 and 2: decline
  Source      after the stages of a buyer-seller relationship (Dwyer, Schurr and Oh 1987); design, section 4
-#}
{% macro lifecycle_stage(
    order_count, recency_days, overdue_ratio, monetary, previous_monetary,
    churned_overdue_ratio, churned_min_recency_days, decline_overdue_ratio, decline_revenue_ratio,
    stability_min_orders, formation_min_orders
) -%}
    (
        case
            when coalesce({{ order_count }}, 0) = 0 then 'prospect'
            when ({{ overdue_ratio }}) >= {{ churned_overdue_ratio }}
                and ({{ recency_days }}) > {{ churned_min_recency_days }} then 'churned'
            when ({{ overdue_ratio }}) >= {{ decline_overdue_ratio }} then 'decline'
            when ({{ previous_monetary }}) > 0
                and ({{ monetary }}) < {{ decline_revenue_ratio }} * ({{ previous_monetary }}) then 'decline'
            when ({{ order_count }}) >= {{ stability_min_orders }} then 'stability'
            when ({{ order_count }}) >= {{ formation_min_orders }} then 'formation'
            else 'exploration'
        end
    )
{%- endmacro %}
