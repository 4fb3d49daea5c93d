-- ring 2 of midrank_score and ntile_rank_score: the scores of scipy and numpy (seed oracle_scores), compared in both
-- directions
with oracle as (

    select * from {{ ref('oracle_scores') }}

),

ranked as (

    select
        *,
        rank() over (partition by example order by measure asc) - 1 as customers_worse,
        count(*) over (partition by example, measure) as customers_equal,
        row_number() over (partition by example order by measure asc, position asc) as rank_number,
        count(*) over (partition by example) as customers_total
    from oracle

),

actual as (

    select
        example,
        position,
        measure,
        midrank_score,
        {{ midrank_score('customers_worse', 'customers_equal', 'customers_total') }} as actual_midrank_score,
        ntile_score,
        {{ ntile_rank_score('rank_number', 'customers_total') }} as actual_ntile_score
    from ranked

)

select *
from actual
where
    actual_midrank_score is distinct from midrank_score
    or actual_ntile_score is distinct from ntile_score
