-- ring 3 of tier_thresholds: every customer's score by thresholds is the score by rank among the customers that var
-- rfm_population ranks, counted again from the history; all other customers have 1
{{ config(enabled=var('rfm_method') == 'midrank') }}
{%- set measures = {'recency_score': '-recency_days', 'frequency_score': 'frequency', 'monetary_score': 'monetary'} %}
with history as (

    select * from {{ ref('customer_value_history') }}
    where {{ 'frequency > 0' if var('rfm_population') == 'active' else 'order_count > 0' }}

),

ranked as (

    {% for score, measure in measures.items() -%}
    select
        as_of_date,
        '{{ score }}' as score_name,
        {{ score }} as score,
        rank() over (partition by as_of_date order by {{ measure }} asc) - 1 as customers_worse,
        count(*) over (partition by as_of_date, {{ measure }}) as customers_equal,
        count(*) over (partition by as_of_date) as customers_total
    from history
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    as_of_date,
    score_name,
    score
from ranked
where score is distinct from {{ midrank_score('customers_worse', 'customers_equal', 'customers_total') }}
{% if var('rfm_population') == 'active' -%}
{% for score in measures -%}
union all
select
    as_of_date,
    '{{ score }}' as score_name,
    {{ score }} as score
from {{ ref('customer_value_history') }}
where order_count > 0 and frequency = 0 and {{ score }} is distinct from 1
{% endfor -%}
{% endif -%}
