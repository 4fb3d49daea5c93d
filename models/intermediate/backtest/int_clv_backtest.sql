with origins as (

    select * from {{ ref('int_clv_backtest_origins') }}

),

facts as (

    select * from {{ ref('int_clv_backtest_facts') }}

),

expected as (

    select * from {{ ref('int_clv_backtest_expected') }}

),

-- purchases and spend, in the period before the origin, of the customers in each RFM cell at its beginning
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

forecasts as (

    select
        facts.*,
        expected.alive_purchases,
        expected.p_no_purchase as alive_p_no_purchase,
        expected.factorial_moment as alive_factorial_moment,
        origins.p as spend_p,
        origins.q as spend_q
    from facts
    inner join origins on facts.as_of_date = origins.as_of_date
    inner join expected
        on
            facts.as_of_date = expected.as_of_date
            and facts.repeat_count = expected.repeat_count
            and facts.age_days = expected.age_days

),

ranged as (

    select * from {{ with_spend_range('forecasts', var('clv_interval')) }} as ranges

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
    ranged.as_of_date,
    ranged.customer_id,
    ranged.tier,
    ranged.cohort_quarter,
    cast(ranged.actual_purchases as numeric(18, 2)) as actual_purchases,
    ranged.actual_spend,
    cast(ranged.p_alive * ranged.alive_purchases as numeric(28, 12)) as model_purchases,
    cast(ranged.p_alive * ranged.alive_purchases * ranged.expected_spend as numeric(28, 12)) as model_spend,
    cast(ranged.spend_low as numeric(28, 12)) as model_spend_low,
    cast(ranged.spend_high as numeric(28, 12)) as model_spend_high,
    case
        when ranged.has_whole_period then cast(ranged.period_purchases as numeric(28, 12))
    end as last_period_purchases,
    case when ranged.has_whole_period then cast(ranged.period_spend as numeric(28, 12)) end as last_period_spend,
    cast(ranged.window_purchases as numeric(28, 12)) as last_window_purchases,
    cast(ranged.window_purchases * ranged.expected_spend as numeric(28, 12)) as last_window_spend,
    cast(coalesce(cells.mean_purchases, everybody.mean_purchases) as numeric(28, 12)) as rfm_cell_purchases,
    cast(coalesce(cells.mean_spend, everybody.mean_spend) as numeric(28, 12)) as rfm_cell_spend
from ranged
left join cells
    on
        ranged.as_of_date = cells.as_of_date
        and ranged.recency_score = cells.recency_score
        and ranged.frequency_score = cells.frequency_score
        and ranged.monetary_score = cells.monetary_score
left join everybody on ranged.as_of_date = everybody.as_of_date
