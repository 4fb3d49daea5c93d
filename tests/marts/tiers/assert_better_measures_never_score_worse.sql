-- ring 3 of the scores: within a date, a better value of a measure never has a lower score, and each value has one
-- score, except that the method ntile may split equal customers. Only ranked customers count: with var rfm_population
-- active, customers with a purchase in the window; all others are equal (cutoffs rank nobody, so all customers count)
{%- set active_only = var('rfm_population') == 'active' and var('rfm_method') != 'cutoffs' %}
{%- set measures = {'recency_score': '-recency_days', 'frequency_score': 'frequency', 'monetary_score': 'monetary'} %}
with history as (

    select * from {{ ref('customer_value_history') }}
    where {{ 'frequency > 0' if active_only else 'order_count > 0' }}

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
{% if active_only -%}
union all
select
    as_of_date,
    'all three' as score_name,
    null as measured_value,
    min(recency_score) as lowest_score,
    max(greatest(recency_score, frequency_score, monetary_score)) as highest_score,
    null as score_before
from {{ ref('customer_value_history') }}
where order_count > 0 and frequency = 0
group by as_of_date
having max(greatest(recency_score, frequency_score, monetary_score)) > 1
{% endif -%}
