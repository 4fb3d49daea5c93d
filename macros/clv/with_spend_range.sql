{#-
  Customers with the range of what they spend ahead: between which amounts it lies with a given probability. Two steps,
  so that what a quantile rests on is computed once.

  Arguments   customers  table with purchase_days, expected_spend, p_alive, spend_p, spend_q and, of one who is still a
                         customer: alive_purchases, alive_p_no_purchase, alive_factorial_moment
              interval   probability that the spend lies in the range, 0 to 1
              suffix     what the last three names end in, such as _36m, and so do the new ones
  Returns     subquery: its columns; share_low, share_high (share_of_buyers); alive_squared_spend; and the range,
              spend_low and spend_high (spend_quantile), reporting currency, null where an argument is null
-#}
{% macro with_spend_range(customers, interval, suffix='') -%}
    (
        select
            {% for side in ['low', 'high'] -%}
            {{ spend_quantile(
                'share_' ~ side, 'alive_p_no_purchase' ~ suffix, '(alive_purchases' ~ suffix ~ ' * expected_spend)',
                'alive_squared_spend' ~ suffix
            ) }} as spend{{ suffix }}_{{ side }},
            {% endfor -%}
            *
        from (
            select
                {% for side, share in clv_interval_shares(interval).items() -%}
                {{ share_of_buyers(share, 'p_alive * (1 - alive_p_no_purchase' ~ suffix ~ ')') }} as share_{{ side }},
                {% endfor -%}
                {{ gamma_gamma_squared_spend(
                    'purchase_days', 'expected_spend', 'alive_purchases' ~ suffix,
                    'alive_factorial_moment' ~ suffix, 'spend_p', 'spend_q'
                ) }} as alive_squared_spend{{ suffix }},
                *
            from {{ customers }}
            {{ evaluated_once() }}
        ) as shares
    )
{%- endmacro %}
