{{ config(materialized='view') }} -- used with the method ntile only

with facts as (

    select * from {{ ref('int_customer_facts') }}
    where {{ 'frequency > 0' if var('rfm_population') == 'active' else 'order_count > 0' }}

),

value_ranks as (

    select * from {{ ref('int_value_ranks') }}
    where measure in ('recency', 'frequency', 'monetary')

),

totals as (

    select
        as_of_date,
        measure,
        max(customers_to_here) as customers_total
    from value_ranks
    group by as_of_date, measure

),

-- the few values whose customers do not all get the same score
split_values as (

    select
        value_ranks.as_of_date,
        value_ranks.measure,
        value_ranks.measured_value,
        value_ranks.customers_to_here - value_ranks.customers as customers_worse,
        totals.customers_total
    from value_ranks
    inner join totals
        on
            value_ranks.as_of_date = totals.as_of_date
            and value_ranks.measure = totals.measure
    where
        {{ ntile_rank_score('(value_ranks.customers_to_here - value_ranks.customers + 1)', 'totals.customers_total') }}
        < {{ ntile_rank_score('value_ranks.customers_to_here', 'totals.customers_total') }}

),

-- customer_id breaks the tie
placed as (

    select
        split_values.as_of_date,
        split_values.measure,
        split_values.measured_value,
        split_values.customers_total,
        split_values.customers_worse,
        facts.customer_id,
        split_values.customers_worse + row_number() over (
            partition by split_values.as_of_date, split_values.measure, split_values.measured_value
            order by facts.customer_id asc
        ) as customer_rank
    from split_values
    inner join facts
        on
            split_values.as_of_date = facts.as_of_date
            and split_values.measured_value = case split_values.measure
                when 'recency' then -facts.recency_days
                when 'frequency' then facts.frequency
                else facts.monetary
            end

),

scored as (

    select
        as_of_date,
        measure,
        measured_value,
        customer_id,
        {{ ntile_rank_score('customer_rank', 'customers_total') }} as score,
        {{ ntile_rank_score('(customers_worse + 1)', 'customers_total') }} as lowest_score
    from placed

)

select
    as_of_date,
    measure,
    measured_value,
    score,
    min(customer_id) as customer_id
from scored
where score > lowest_score -- all of them reach the lowest score
group by as_of_date, measure, measured_value, score
