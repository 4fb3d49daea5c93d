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
    {% for column, formula in {
        'alive_purchases': clv_expected_purchases, 'p_no_purchase': clv_p_no_purchase,
        'factorial_moment': clv_factorial_moment,
    }.items() -%}
    {{ formula(var('clv_model'), 'pairs.repeat_count', 'pairs.age_days', 'origins.holdout_days', 'origins') }}
        as {{ column }}{{ ',' if not loop.last }}
    {% endfor -%}
from pairs
inner join origins on pairs.as_of_date = origins.as_of_date
