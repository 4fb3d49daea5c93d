with facts as (

    select * from {{ ref('int_customer_facts') }}

),

scores as (

    select * from {{ ref('int_rfm_scores') }}

),

tiers as (

    select * from {{ ref('int_customer_tiers') }}

),

stages as (

    select * from {{ ref('int_lifecycle_stages') }}

)

select
    facts.as_of_date,
    facts.customer_id,

    -- judgements
    tiers.tier,
    tiers.raw_tier,
    tiers.abc_tier,
    scores.rfm_segment,
    scores.recency_score,
    scores.frequency_score,
    scores.monetary_score,
    stages.lifecycle_stage,

    -- measures of the window
    facts.recency_days,
    facts.frequency,
    facts.monetary,

    -- totals to date
    facts.first_order_date,
    facts.last_order_date,
    facts.order_count,
    facts.net_revenue,
    facts.margin,
    facts.realised_value,

    -- why
    stages.overdue_ratio,
    stages.expected_gap_days,
    facts.previous_monetary,
    tiers.cumulative_share,
    facts.margin_is_estimated
from facts
left join scores
    on
        facts.as_of_date = scores.as_of_date
        and facts.customer_id = scores.customer_id
left join tiers
    on
        facts.as_of_date = tiers.as_of_date
        and facts.customer_id = tiers.customer_id
inner join stages
    on
        facts.as_of_date = stages.as_of_date
        and facts.customer_id = stages.customer_id
