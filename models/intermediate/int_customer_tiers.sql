with scores as (

    select * from {{ ref('int_rfm_scores') }}

),

abc_tiers as (

    select * from {{ ref('int_abc_tiers') }}

),

rules as (

    select * from {{ ref('tier_rules') }}

)

select
    scores.as_of_date,
    scores.customer_id,
    abc_tiers.abc_tier,
    abc_tiers.cumulative_share,
    rules.tier as raw_tier,
    -- with a single as-of date there is no earlier tier that patience could hold on to
    rules.tier
from scores
inner join abc_tiers
    on
        scores.as_of_date = abc_tiers.as_of_date
        and scores.customer_id = abc_tiers.customer_id
left join rules
    on
        abc_tiers.abc_tier = rules.abc_tier
        and scores.frequency_score = rules.frequency_score
