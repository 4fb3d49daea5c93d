{#- what runs up: aggregate over the changes so far, and its type #}
{%- set running = {
    'first_order_date': ('min', 'date'), 'last_order_date': ('max', 'date'), 'last_activity_date': ('max', 'date'),
    'margin_is_estimated': ('max', 'integer'),
    'order_count': ('sum', 'integer'), 'purchase_days': ('sum', 'integer'), 'frequency': ('sum', 'integer'),
    'monetary': ('sum', 'numeric(18, 2)'), 'previous_monetary': ('sum', 'numeric(18, 2)'),
    'net_revenue': ('sum', 'numeric(18, 2)'), 'repeat_net_revenue': ('sum', 'numeric(18, 2)'),
    'window_margin': ('sum', 'numeric(18, 2)'), 'margin': ('sum', 'numeric(18, 2)'),
    'acquisition_cost': ('sum', 'numeric(18, 2)'), 'discounted_margin': ('sum', 'numeric(28, 8)'),
} -%}
with changes as (

    select * from {{ ref('int_customer_changes') }}

),

stretches as (

    select
        customer_id,
        as_of_date as valid_from,
        {% for column, (aggregate, sql_type) in running.items() -%}
        cast({{ aggregate }}({{ column }}) over (
            partition by customer_id order by as_of_date asc rows between unbounded preceding and current row
        ) as {{ sql_type }}) as {{ column }},
        {% endfor -%}
        lead(as_of_date) over (partition by customer_id order by as_of_date asc) as valid_to
    from changes

),

measured as (

    select
        *,
        cast(case when order_count > 0 then purchase_days - 1 else 0 end as integer) as gap_count,
        cast(coalesce({{ dbt.datediff('first_order_date', 'last_order_date', 'day') }}, 0) as integer) as gap_days,
        cast(discounted_margin as numeric(18, 2)) as realised_value,
        -- who has not ordered is not ranked; the lifetime value comes later (int_ranked_values)
        cast(
            case when order_count > 0 then {{
                'null' if var('abc_value') == 'lifetime_value' else abc_value_columns()[var('abc_value')]
            }} end as numeric(18, 2)
        ) as ranked_value,
        {{ held_from('frequency', 'last_order_date', var('window_months')) if var('rfm_population') == 'active'
            else 'cast(null as date)' }} as held_from
    from stretches

)

-- what held before goes along: the slices before are judged again from it, instead of being looked up
select
    {% for back in range(1, var('demotion_patience') + 1) -%}
    {% for column in (['valid_from'] if not loop.last else []) + looked_back_columns(back) -%}
    lag({{ column }}, {{ back }}) over (partition by customer_id order by valid_from asc) as {{ column }}_{{ back }},
    {% endfor -%}
    {% endfor -%}
    *
from measured
