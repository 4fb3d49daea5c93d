-- Predicted value by hand: what the project's scores are measured against (scripts/bench/clv.py). DuckDB only, for
-- Pareto/NBD and one horizon of 12 months, from the inputs of one date to a row per customer who has ordered.
-- Parts: "parameters", "inputs" and "from_inputs" once and first; "bare" and "project" make the same table, each its
-- own way.

-- part: parameters
create table scored.parameters as
select as_of_date, fitted_as_of, r, alpha, s, beta, p, q, gamma
from marts.clv_parameters
where as_of_date = (select max(as_of_date) from marts.clv_parameters);

-- part: inputs
-- the one slice that is open
create table scored.inputs as from intermediate.int_earlier_raw_tiers;

-- part: from_inputs
create or replace view intermediate.int_earlier_raw_tiers as from scored.inputs;
create or replace view intermediate.int_customer_facts as from scored.inputs;

-- part: bare
-- The integrand of macros/clv/pareto_nbd_p_alive.sql at a node, times its weight. moved: y + m; shape: r + x.
create temp macro integrand(moved, m, weight, t_x, shape, alpha, s, beta) as
    weight::double
    * exp(greatest(
        -shape * ln((moved - m + alpha) / (alpha + t_x)) - s * ln((moved - m + beta) / (beta + t_x)), -600
    ))
    * moved / (moved - m + beta);
create temp macro term(node, weight, m, t_x, span, shape, alpha, s, beta) as
    integrand((m + t_x) * exp(span * node::double), m, weight, t_x, shape, alpha, s, beta);

create or replace table scored.bare as
with customers as (
    select
        customer_id, gap_count as x, gap_days as t_x, age_days as age, parameters.*,
        purchase_days as n,
        case when net_revenue > 0 then net_revenue::double / purchase_days else 0 end as mean_spend,
        r + gap_count as shape,
        least(alpha, beta) as m,
        ln((m + age) / (m + t_x)) as span
    from scored.inputs cross join scored.parameters
    where order_count > 0
),
-- the limit at s = 1 is left out: a fitted s does not come that near
pairs as (
    select
        x, age,
        (r + x) * (beta + age) / (alpha + age) * (1 - power((beta + age) / (beta + age + 365), s - 1)) / (s - 1)
            as alive_purchases
    from (select distinct gap_count as x, age_days as age from scored.inputs where order_count > 0)
    cross join scored.parameters
),
alive as (
    select
        *,
        1 / (1 + s * span * exp(least(
            shape * ln((alpha + age) / (alpha + t_x)) + s * ln((beta + age) / (beta + t_x)), 600
        )) * (
            term(0.009219682876640378, 0.023587668193255706, m, t_x, span, shape, alpha, s, beta)
            + term(0.0479413718147626, 0.05346966299765953, m, t_x, span, shape, alpha, s, beta)
            + term(0.11504866290284765, 0.08003916427167321, m, t_x, span, shape, alpha, s, beta)
            + term(0.20634102285669126, 0.10158371336153287, m, t_x, span, shape, alpha, s, beta)
            + term(0.31608425050090994, 0.1167462682691773, m, t_x, span, shape, alpha, s, beta)
            + term(0.43738329574426554, 0.12457352290670134, m, t_x, span, shape, alpha, s, beta)
            + term(0.5626167042557344, 0.12457352290670134, m, t_x, span, shape, alpha, s, beta)
            + term(0.6839157494990901, 0.1167462682691773, m, t_x, span, shape, alpha, s, beta)
            + term(0.7936589771433087, 0.10158371336153287, m, t_x, span, shape, alpha, s, beta)
            + term(0.8849513370971523, 0.08003916427167321, m, t_x, span, shape, alpha, s, beta)
            + term(0.9520586281852375, 0.05346966299765953, m, t_x, span, shape, alpha, s, beta)
            + term(0.9907803171233596, 0.023587668193255706, m, t_x, span, shape, alpha, s, beta)
        )) as p_alive
    from customers
)
select
    customer_id,
    p_alive,
    p_alive * alive_purchases as expected_purchases_12m,
    coalesce(p * (gamma + n * mean_spend) / (p * n + q - 1), mean_spend) as expected_spend
from alive inner join pairs using (x, age);

-- part: project
create or replace table scored.project as
select customer_id, p_alive, expected_purchases_12m, expected_spend
from intermediate.int_clv_scores
where order_count > 0;
