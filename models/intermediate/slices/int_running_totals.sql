{{ config(materialized='view') }} -- read once, by int_customer_totals
{%- set so_far = '(partition by customer_id order by as_of_date rows between unbounded preceding and current row)' %}

with changes as (

    select * from {{ ref('int_customer_changes') }}

),

totals as (

    select
        customer_id,
        as_of_date as valid_from,
        lead(as_of_date) over (partition by customer_id order by as_of_date asc) as valid_to,
        min(first_order_date) over {{ so_far }} as first_order_date,
        max(last_order_date) over {{ so_far }} as last_order_date,
        max(last_activity_date) over {{ so_far }} as last_activity_date,
        cast(max(margin_is_estimated) over {{ so_far }} as integer) as margin_is_estimated,
        cast(sum(order_count) over {{ so_far }} as integer) as order_count,
        cast(sum(purchase_days) over {{ so_far }} as integer) as purchase_days,
        cast(sum(frequency) over {{ so_far }} as integer) as frequency,
        cast(sum(monetary) over {{ so_far }} as numeric(18, 2)) as monetary,
        cast(sum(previous_monetary) over {{ so_far }} as numeric(18, 2)) as previous_monetary,
        cast(sum(window_margin) over {{ so_far }} as numeric(18, 2)) as window_margin,
        cast(sum(net_revenue) over {{ so_far }} as numeric(18, 2)) as net_revenue,
        cast(sum(repeat_net_revenue) over {{ so_far }} as numeric(18, 2)) as repeat_net_revenue,
        cast(sum(margin) over {{ so_far }} as numeric(18, 2)) as margin,
        cast(sum(acquisition_cost) over {{ so_far }} as numeric(18, 2)) as acquisition_cost,
        cast(sum(discounted_margin) over {{ so_far }} as numeric(28, 8)) as discounted_margin
    from changes

)

select
    *,
    cast(case when order_count > 0 then purchase_days - 1 else 0 end as integer) as gap_count,
    cast(coalesce({{ dbt.datediff('first_order_date', 'last_order_date', 'day') }}, 0) as integer) as gap_days,
    cast(discounted_margin as numeric(18, 2)) as realised_value,
    -- customers without an order are not ranked; the lifetime value comes later (int_ranked_values)
    cast(
        case when order_count > 0 then {{
            'null' if var('abc_value') == 'lifetime_value' else abc_value_columns()[var('abc_value')]
        }} end as numeric(18, 2)
    ) as ranked_value,
    {{ held_from('frequency', 'last_order_date', var('window_months')) if var('rfm_population') == 'active'
        else 'cast(null as date)' }} as held_from
from totals
