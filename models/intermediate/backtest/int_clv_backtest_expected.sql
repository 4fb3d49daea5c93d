with origins as (

    select * from {{ ref('int_clv_backtest_origins') }}

),

facts as (

    select * from {{ ref('int_clv_backtest_facts') }}

),

-- as in int_clv_expectations, for the days of the holdout
pairs as (

    select distinct
        as_of_date,
        repeat_count,
        age_days
    from facts

)

select
    pairs.as_of_date,
    pairs.repeat_count,
    pairs.age_days,
    {{ clv_expected_purchases(
        var('clv_model'), 'pairs.repeat_count', 'pairs.age_days', 'origins.holdout_days', 'origins'
    ) }} as alive_purchases,
    {{ clv_p_no_purchase(
        var('clv_model'), 'pairs.repeat_count', 'pairs.age_days', 'origins.holdout_days', 'origins'
    ) }} as p_no_purchase,
    {{ clv_factorial_moment(
        var('clv_model'), 'pairs.repeat_count', 'pairs.age_days', 'origins.holdout_days', 'origins'
    ) }} as factorial_moment
from pairs
inner join origins on pairs.as_of_date = origins.as_of_date
