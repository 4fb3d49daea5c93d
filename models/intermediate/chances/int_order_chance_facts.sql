with facts as (

    select * from {{ ref('int_order_chance_customers') }}
    {{ evaluated_once() }}

),

-- as in int_clv_expectations
pairs as (

    select distinct
        as_of_date,
        repeat_count,
        age_days,
        r,
        alpha,
        s,
        beta,
        a,
        b
    from facts

),

idle as (

    select
        {% for horizon in [3, 6, 12] -%}
        {{ clv_p_no_purchase(
            var('clv_model'), 'pairs.repeat_count', 'pairs.age_days',
            '(cast(' ~ horizon ~ ' as ' ~ type_double() ~ ') * 365 / 12)', 'pairs'
        ) }} as p_no_purchase_{{ horizon }}m,
        {% endfor -%}
        pairs.as_of_date,
        pairs.repeat_count,
        pairs.age_days
    from pairs
    {{ evaluated_once() }}

),

alive as (

    select
        facts.*,
        {{ clv_p_alive(
            var('clv_model'), 'facts.repeat_count', 'facts.last_purchase_age_days', 'facts.age_days', 'facts'
        ) }} as p_alive
    from facts
    {{ evaluated_once() }}

)

select
    alive.as_of_date,
    alive.customer_id,
    {% for horizon in [3, 6, 12] -%}
    alive.p_alive * (1 - idle.p_no_purchase_{{ horizon }}m) as p_order_{{ horizon }}m,
    {% endfor -%}
    alive.recency_days / {{ expected_gap(
        'alive.last_purchase_age_days', 'alive.repeat_count', 'alive.population_mean_gap_days',
        var('expected_gap_prior_weight')
    ) }} as overdue_ratio,
    alive.next_order_date
from alive
inner join idle
    on
        alive.as_of_date = idle.as_of_date
        and alive.repeat_count = idle.repeat_count
        and alive.age_days = idle.age_days
