-- ring 3 of the scores: within a date, walking up the values of a measure its score never falls, and with a method
-- that keeps ties together each value has one score (ntile may split one)
{%- set measures = {'recency_score': '-recency_days', 'frequency_score': 'frequency', 'monetary_score': 'monetary'} %}
with scored as (

    {% for score, measure in measures.items() -%}
    select
        as_of_date,
        '{{ score }}' as score_name,
        {{ measure }} as measure,
        min({{ score }}) as lowest_score,
        max({{ score }}) as highest_score
    from {{ ref('customer_value') }}
    where order_count > 0
    group by as_of_date, {{ measure }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

stepped as (

    select
        *,
        lag(highest_score) over (partition by as_of_date, score_name order by measure asc) as score_before
    from scored

)

select *
from stepped
where
    lowest_score < score_before
    {% if var('rfm_method') != 'ntile' -%} or lowest_score <> highest_score {%- endif %}
