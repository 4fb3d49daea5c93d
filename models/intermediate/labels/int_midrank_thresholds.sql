{{ config(materialized='view') }} -- a few rows, used with the method midrank only

with value_ranks as (

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

scored as (

    select
        value_ranks.as_of_date,
        value_ranks.measure,
        value_ranks.measured_value,
        {{ midrank_score(
            '(value_ranks.customers_to_here - value_ranks.customers)', 'value_ranks.customers', 'totals.customers_total'
        ) }} as score
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

)

select
    scored.as_of_date,
    scored.measure,
    scores.score,
    cast(min(scored.measured_value) as numeric(18, 2)) as measured_value,
    cast(null as {{ dbt.type_string() }}) as customer_id
from scored
inner join scores on scored.score >= scores.score
group by scored.as_of_date, scored.measure, scores.score
