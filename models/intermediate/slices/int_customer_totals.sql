{%- set by_customer = '(partition by customer_id order by valid_from asc)' -%}
with totals as (

    select * from {{ ref('int_running_totals') }}

)

-- Values of earlier validity ranges are carried along, so that earlier as-of dates are labelled again without a
-- look-up. The opening is at most one range back; dates before it need only the raw tier.
select
    lag(valid_from) over {{ by_customer }} as valid_from_1,
    lag(order_count) over {{ by_customer }} as order_count_1,
    lag(gap_count) over {{ by_customer }} as gap_count_1,
    lag(gap_days) over {{ by_customer }} as gap_days_1,
    lag(frequency) over {{ by_customer }} as frequency_1,
    lag(monetary) over {{ by_customer }} as monetary_1,
    lag(previous_monetary) over {{ by_customer }} as previous_monetary_1,
    lag(net_revenue) over {{ by_customer }} as net_revenue_1,
    lag(ranked_value) over {{ by_customer }} as ranked_value_1,
    lag(held_from) over {{ by_customer }} as held_from_1,
    lag(last_order_date) over {{ by_customer }} as last_order_date_1,
    {% for back in range(2, var('demotion_patience') + 1) -%}
    {% if not loop.last -%}
    lag(valid_from, {{ back }}) over {{ by_customer }} as valid_from_{{ back }},
    {% endif -%}
    lag(frequency, {{ back }}) over {{ by_customer }} as frequency_{{ back }},
    lag(ranked_value, {{ back }}) over {{ by_customer }} as ranked_value_{{ back }},
    lag(held_from, {{ back }}) over {{ by_customer }} as held_from_{{ back }},
    {% endfor -%}
    *
from totals
