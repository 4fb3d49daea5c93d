{{ config(materialized="view") }} -- only the method that the var chooses is worth its rows

with facts as (

    select * from {{ ref('int_customer_facts') }}
    where order_count > 0

),

cutoffs as (

    select * from {{ ref('rfm_cutoffs') }}

)

select
    facts.as_of_date,
    facts.customer_id,
    {{ cutoff_score(
        'facts.recency_days', 'recency.score_2', 'recency.score_3', 'recency.score_4', 'recency.score_5',
        higher_is_better=false
    ) }} as recency_score,
    {{ cutoff_score(
        'facts.frequency', 'frequency.score_2', 'frequency.score_3', 'frequency.score_4', 'frequency.score_5'
    ) }} as frequency_score,
    {{ cutoff_score(
        'facts.monetary', 'monetary.score_2', 'monetary.score_3', 'monetary.score_4', 'monetary.score_5'
    ) }} as monetary_score
from facts
inner join cutoffs as recency on recency.measure = 'recency_days'
inner join cutoffs as frequency on frequency.measure = 'frequency'
inner join cutoffs as monetary on monetary.measure = 'monetary'
