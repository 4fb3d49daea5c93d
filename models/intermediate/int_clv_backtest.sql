with origins as (

    select * from {{ ref('int_clv_backtest_origins') }}

),

facts as (

    select * from {{ ref('int_clv_backtest_facts') }}

),

-- as in int_clv_pairs, for the days of the holdout
pairs as (

    select distinct
        as_of_date,
        repeat_count,
        age_days
    from facts

),

expected as (

    select
        pairs.as_of_date,
        pairs.repeat_count,
        pairs.age_days,
        {{ pareto_nbd_expected_purchases(
            'pairs.repeat_count', 'pairs.age_days', 'origins.holdout_days', 'origins.r', 'origins.alpha', 'origins.s',
            'origins.beta'
        ) if var('clv_model') == 'pareto_nbd' else beta_geometric_expected_purchases(
            'pairs.repeat_count', 'pairs.age_days', 'origins.holdout_days', 'origins.r', 'origins.alpha', 'origins.a',
            'origins.b', var('clv_model') == 'mbg_nbd'
        ) }} as alive_purchases
    from pairs
    inner join origins on pairs.as_of_date = origins.as_of_date
    {{ evaluated_once() }}

),

-- what the customers of a cell, as it was when the period before the origin began, did in that period
cells as (

    select
        as_of_date,
        earlier_recency_score as recency_score,
        earlier_frequency_score as frequency_score,
        earlier_monetary_score as monetary_score,
        cast(sum(period_purchases) as {{ type_double() }}) / count(*) as mean_purchases,
        cast(sum(cast(period_spend as numeric(18, 2))) as {{ type_double() }}) / count(*) as mean_spend
    from facts
    where is_known_earlier
    group by as_of_date, earlier_recency_score, earlier_frequency_score, earlier_monetary_score

),

everybody as (

    select
        as_of_date,
        cast(sum(period_purchases) as {{ type_double() }}) / count(*) as mean_purchases,
        cast(sum(cast(period_spend as numeric(18, 2))) as {{ type_double() }}) / count(*) as mean_spend
    from facts
    where is_known_earlier
    group by as_of_date

)

-- decimals, so that equal forecasts are equal on every engine and sums do not depend on the order of rows
select
    facts.as_of_date,
    facts.customer_id,
    facts.tier,
    facts.cohort_quarter,
    cast(facts.actual_purchases as numeric(18, 2)) as actual_purchases,
    facts.actual_spend,
    cast(facts.p_alive * expected.alive_purchases as numeric(28, 12)) as model_purchases,
    cast(facts.p_alive * expected.alive_purchases * facts.expected_spend as numeric(28, 12)) as model_spend,
    case when facts.has_whole_period then cast(facts.period_purchases as numeric(28, 12)) end as last_period_purchases,
    case when facts.has_whole_period then cast(facts.period_spend as numeric(28, 12)) end as last_period_spend,
    cast(coalesce(cells.mean_purchases, everybody.mean_purchases) as numeric(28, 12)) as rfm_cell_purchases,
    cast(coalesce(cells.mean_spend, everybody.mean_spend) as numeric(28, 12)) as rfm_cell_spend
from facts
left join expected
    on
        facts.as_of_date = expected.as_of_date
        and facts.repeat_count = expected.repeat_count
        and facts.age_days = expected.age_days
left join cells
    on
        facts.as_of_date = cells.as_of_date
        and facts.recency_score = cells.recency_score
        and facts.frequency_score = cells.frequency_score
        and facts.monetary_score = cells.monetary_score
left join everybody on facts.as_of_date = everybody.as_of_date
