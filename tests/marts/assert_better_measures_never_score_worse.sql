-- ring 3 of the scores: within a date, walking up the values of a measure its score never falls, by any of the three
-- methods, and each value has one score, except that ntile may split equals
{%- set methods = ['midrank', 'ntile', 'cutoffs'] %}
{%- set measures = {'recency_score': '-recency_days', 'frequency_score': 'frequency', 'monetary_score': 'monetary'} %}
with facts as (

    select * from {{ ref('int_customer_facts') }}
    where order_count > 0

),

scores as (

    {% for method in methods -%}
    select
        '{{ method }}' as scoring_method,
        as_of_date,
        customer_id,
        recency_score,
        frequency_score,
        monetary_score
    from {{ ref('int_rfm_scores_' ~ method) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

scored as (

    {% for score, measure in measures.items() -%}
    select
        scores.as_of_date,
        scores.scoring_method,
        '{{ score }}' as score_name,
        {{ measure }} as measure,
        min(scores.{{ score }}) as lowest_score,
        max(scores.{{ score }}) as highest_score
    from facts
    inner join scores
        on
            facts.as_of_date = scores.as_of_date
            and facts.customer_id = scores.customer_id
    group by scores.as_of_date, scores.scoring_method, {{ measure }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

stepped as (

    select
        *,
        lag(highest_score) over (
            partition by as_of_date, scoring_method, score_name order by measure asc
        ) as score_before
    from scored

)

select *
from stepped
where
    lowest_score < score_before
    or (scoring_method <> 'ntile' and lowest_score <> highest_score)
