with dates as (

    select * from {{ ref('int_order_chance_dates') }}

),

-- on most days there is no date to look at
days as (

    select
        customer_id,
        order_date
    from {{ ref('int_customer_days') }}
    where order_count > 0 and exists (select 1 from dates)
    group by customer_id, order_date

),

-- a purchase day is the last one until the next
purchase_ranges as (

    select
        customer_id,
        order_date,
        min(order_date) over (partition by customer_id) as first_order_date,
        row_number() over (partition by customer_id order by order_date asc) - 1 as repeat_count,
        lead(order_date) over (partition by customer_id order by order_date asc) as next_order_date
    from days

),

facts as (

    select
        dates.*,
        purchase_ranges.customer_id,
        purchase_ranges.next_order_date,
        purchase_ranges.repeat_count,
        cast({{ dbt.datediff('purchase_ranges.first_order_date', 'purchase_ranges.order_date', 'day') }} as integer) as last_purchase_age_days, -- noqa: LT05
        cast({{ dbt.datediff('purchase_ranges.first_order_date', 'dates.as_of_date', 'day') }} as integer) as age_days, -- noqa: LT05
        cast({{ dbt.datediff('purchase_ranges.order_date', 'dates.as_of_date', 'day') }} as integer) as recency_days -- noqa: LT05
    from purchase_ranges
    inner join dates
        on
            purchase_ranges.order_date <= dates.as_of_date
            and coalesce(purchase_ranges.next_order_date, cast('9999-12-31' as date)) > dates.as_of_date
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
            var('clv_model'), 'repeat_count', 'age_days', '(cast(' ~ horizon ~ ' as ' ~ type_double() ~ ') * 365 / 12)',
            'pairs'
        ) }} as p_no_purchase_{{ horizon }}m,
        {% endfor -%}
        as_of_date,
        repeat_count,
        age_days
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
