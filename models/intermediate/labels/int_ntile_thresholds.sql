{{ config(materialized='view') }} -- a few rows, used with the method ntile only

with value_ranks as (

    select * from {{ ref('int_value_ranks') }}
    where measure in ('recency', 'frequency', 'monetary')

),

split_ties as (

    select * from {{ ref('int_split_ties') }}

),

totals as (

    select
        as_of_date,
        measure,
        max(customers_to_here) as customers_total
    from value_ranks
    group by as_of_date, measure

),

-- some customers with this value may get a lower score
scored as (

    select
        value_ranks.as_of_date,
        value_ranks.measure,
        value_ranks.measured_value,
        {{ ntile_rank_score('value_ranks.customers_to_here', 'totals.customers_total') }} as score
    from value_ranks
    inner join totals
        on
            value_ranks.as_of_date = totals.as_of_date
            and value_ranks.measure = totals.measure

),

scores as (

    select 2 as score
    union all
    select 3 as score
    union all
    select 4 as score
    union all
    select 5 as score

),

thresholds as (

    select
        scored.as_of_date,
        scored.measure,
        scores.score,
        cast(min(scored.measured_value) as numeric(18, 2)) as measured_value
    from scored
    inner join scores on scored.score >= scores.score
    group by scored.as_of_date, scored.measure, scores.score

)

-- only some of the customers exactly at a threshold may get the score: from this customer_id on
select
    thresholds.as_of_date,
    thresholds.measure,
    thresholds.score,
    thresholds.measured_value,
    split_ties.customer_id
from thresholds
left join split_ties
    on
        thresholds.as_of_date = split_ties.as_of_date
        and thresholds.measure = split_ties.measure
        and thresholds.measured_value = split_ties.measured_value
        and thresholds.score = split_ties.score
