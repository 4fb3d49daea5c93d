{#-
  Customers with the range of their spend ahead: the amounts between which it lies with a given probability. Two steps,
  so that the inputs of a quantile are computed once.

  Arguments   customers  table with purchase_days, expected_spend, p_alive, spend_p, spend_q and, for a customer who is
                         alive: alive_purchases, alive_p_no_purchase, alive_factorial_moment
              interval   probability that the spend lies in the range, 0 to 1
              suffix     end of the last three names and of the new ones, such as _36m
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
