{%- set arguments = ['pairs.repeat_count', 'pairs.age_days', 'origins.holdout_days', 'origins.r', 'origins.alpha'] -%}
{%- set pareto = arguments + ['origins.s', 'origins.beta'] -%}
{%- set beta_geometric = arguments + ['origins.a', 'origins.b', var('clv_model') == 'mbg_nbd'] -%}
{%- set is_pareto = var('clv_model') == 'pareto_nbd' -%}
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

)

select
    pairs.as_of_date,
    pairs.repeat_count,
    pairs.age_days,
    {{ pareto_nbd_expected_purchases(*pareto) if is_pareto
        else beta_geometric_expected_purchases(*beta_geometric) }} as alive_purchases,
    {{ pareto_nbd_p_no_purchase(*pareto) if is_pareto
        else beta_geometric_p_no_purchase(*arguments) }} as p_no_purchase,
    {{ pareto_nbd_factorial_moment(*pareto) if is_pareto
        else beta_geometric_factorial_moment(*beta_geometric) }} as factorial_moment
from pairs
inner join origins on pairs.as_of_date = origins.as_of_date
