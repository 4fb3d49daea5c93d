-- ring 3 of the scores: within a date, walking up the values of a measure its score never falls, and each value has one
-- score, except that the method ntile may split equals
{%- set measures = {'recency_score': '-recency_days', 'frequency_score': 'frequency', 'monetary_score': 'monetary'} %}
with history as (

    select * from {{ ref('customer_value_history') }}
    where order_count > 0

),

scored as (

    {% for score, measure in measures.items() -%}
    select
        as_of_date,
        '{{ score }}' as score_name,
        cast({{ measure }} as numeric(18, 2)) as measured_value,
        min({{ score }}) as lowest_score,
        max({{ score }}) as highest_score
    from history
    group by as_of_date, {{ measure }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

stepped as (

    select
        *,
        lag(highest_score) over (partition by as_of_date, score_name order by measured_value asc) as score_before
    from scored

)

select *
from stepped
where
    lowest_score < score_before
    or ('{{ var("rfm_method") }}' <> 'ntile' and lowest_score <> highest_score)
