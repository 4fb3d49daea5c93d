{{ config(materialized="view") }} -- only the method that the var chooses is worth its rows
{%- set score_bases = rfm_score_bases() %}
with facts as (

    select * from {{ ref('int_customer_facts') }}
    where order_count > 0

),

value_ranks as (

    select * from {{ ref('int_rfm_value_ranks') }}

),

value_scores as (

    select
        as_of_date,
        measure,
        score_basis,
        {{ midrank_score('customers_worse', 'customers_equal', 'customers_total') }} as score
    from value_ranks

),

score_bases as (

    select
        as_of_date,
        customer_id,
        {{ score_bases.recency }} as recency_basis,
        {{ score_bases.frequency }} as frequency_basis,
        {{ score_bases.monetary }} as monetary_basis
    from facts

)

select
    score_bases.as_of_date,
    score_bases.customer_id,
    recency.score as recency_score,
    frequency.score as frequency_score,
    monetary.score as monetary_score
from score_bases
inner join value_scores as recency
    on
        score_bases.as_of_date = recency.as_of_date
        and score_bases.recency_basis = recency.score_basis
        and recency.measure = 'recency'
inner join value_scores as frequency
    on
        score_bases.as_of_date = frequency.as_of_date
        and score_bases.frequency_basis = frequency.score_basis
        and frequency.measure = 'frequency'
inner join value_scores as monetary
    on
        score_bases.as_of_date = monetary.as_of_date
        and score_bases.monetary_basis = monetary.score_basis
        and monetary.measure = 'monetary'
