{{ config(materialized='view') }} -- a few rows, read once
{%- set measures = ['recency', 'frequency', 'monetary'] %}
{%- set scores = [2, 3, 4, 5] %}
{%- set is_ntile = var('rfm_method') == 'ntile' %}

{% if var('rfm_method') == 'cutoffs' -%}
with slices as (

    select * from {{ ref('int_slices') }}
    where is_open

),

cutoffs as (

    select * from {{ ref('rfm_cutoffs') }}

),

-- larger is better here, so days count downwards; days and orders are whole, so who reaches 2.5 orders has 3
thresholds as (

    select
        {% for score in scores -%}
        case cutoffs.measure
            when 'recency_days' then -floor(cutoffs.score_{{ score }})
            when 'frequency' then ceil(cutoffs.score_{{ score }})
            else cutoffs.score_{{ score }}
        end as score_{{ score }},
        {% endfor -%}
        slices.as_of_date,
        case when cutoffs.measure = 'recency_days' then 'recency' else cutoffs.measure end as measure
    from slices
    cross join cutoffs

)
{%- else -%}
with value_ranks as (

    select * from {{ ref('int_value_ranks') }}
    where measure in ('recency', 'frequency', 'monetary')

),

totals as (

    select
        as_of_date,
        measure,
        max(customers_to_here) as customers_total
    from value_ranks
    group by as_of_date, measure

),

scored as (

    select
        value_ranks.as_of_date,
        value_ranks.measure,
        value_ranks.measured_value,
        {% if is_ntile -%}
        -- of equals, some may get a lower score than this
        {{ ntile_rank_score('value_ranks.customers_to_here', 'totals.customers_total') }} as score
        {%- else -%}
        {{ midrank_score(
            '(value_ranks.customers_to_here - value_ranks.customers)', 'value_ranks.customers', 'totals.customers_total'
        ) }} as score
        {%- endif %}
    from value_ranks
    inner join totals
        on
            value_ranks.as_of_date = totals.as_of_date
            and value_ranks.measure = totals.measure

),

thresholds as (

    select
        {% for score in scores -%}
        min(case when score >= {{ score }} then measured_value end) as score_{{ score }},
        {% endfor -%}
        as_of_date,
        measure
    from scored
    group by as_of_date, measure

)
{%- endif %},

by_score as (

    {% for score in scores -%}
    select
        as_of_date,
        measure,
        {{ score }} as score,
        score_{{ score }} as measured_value
    from thresholds
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

-- of those at the threshold itself, the method ntile lets some reach the score
{%- set customer_id = 'split_ties.customer_id' if is_ntile else 'cast(null as ' ~ dbt.type_string() ~ ')' %}
select
    {% for measure in measures -%}
    {%- for score in scores -%}
    {%- set is_it = "by_score.measure = '" ~ measure ~ "' and by_score.score = " ~ score -%}
    cast(max(
        case when {{ is_it }} then {{ '-' if measure == 'recency' }}by_score.measured_value end
    ) as {{ 'numeric(18, 2)' if measure == 'monetary' else 'integer' }}) as {{ measure }}_score_{{ score }},
    max(case when {{ is_it }} then {{ customer_id }} end) as {{ measure }}_score_{{ score }}_customer_id,
    {% endfor -%}
    {% endfor -%}
    by_score.as_of_date
from by_score
{% if is_ntile -%}
left join {{ ref('int_split_ties') }} as split_ties
    on
        by_score.as_of_date = split_ties.as_of_date
        and by_score.measure = split_ties.measure
        and by_score.measured_value = split_ties.measured_value
        and by_score.score = split_ties.score
{% endif -%}
group by by_score.as_of_date
