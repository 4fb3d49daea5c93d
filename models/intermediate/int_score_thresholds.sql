{{ config(materialized='view') }} -- a few rows, read once
{%- set measures = ['recency', 'frequency', 'monetary'] %}
{%- set scores = [2, 3, 4, 5] %}

{% if var('rfm_method') == 'cutoffs' -%}
with slices as (

    select * from {{ ref('int_slices') }}
    where is_open

),

cutoffs as (

    select * from {{ ref('rfm_cutoffs') }}

),

-- larger is better here, so days count downwards
thresholds as (

    select
        {% for score in scores -%}
        case when cutoffs.measure = 'recency_days' then -1 else 1 end * cutoffs.score_{{ score }} as score_{{ score }},
        {% endfor -%}
        slices.as_of_date,
        case when cutoffs.measure = 'recency_days' then 'recency' else cutoffs.measure end as measure
    from slices
    cross join cutoffs

)
{%- else -%}
with value_counts as (

    select * from {{ ref('int_value_counts') }}
    where measure in ('recency', 'frequency', 'monetary')

),

ranked as (

    select
        *,
        coalesce(sum(customers) over (
            partition by as_of_date, measure order by measured_value asc
            rows between unbounded preceding and 1 preceding
        ), 0) as customers_worse,
        sum(customers) over (partition by as_of_date, measure) as customers_total
    from value_counts

),

scored as (

    select
        as_of_date,
        measure,
        measured_value,
        {% if var('rfm_method') == 'ntile' -%}
        -- of equals, some may get a lower score than this
        {{ ntile_rank_score('(customers_worse + customers)', 'customers_total') }} as score
        {%- else -%}
        {{ midrank_score('customers_worse', 'customers', 'customers_total') }} as score
        {%- endif %}
    from ranked

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
{%- endif %}

select
    {% for measure in measures -%}
    {%- for score in scores -%}
    cast(max(
        case when measure = '{{ measure }}' then {{ '-' if measure == 'recency' }}score_{{ score }} end
    ) as {{ 'numeric(18, 2)' if measure == 'monetary' else 'integer' }}) as {{ measure }}_score_{{ score }},
    {% endfor -%}
    {% endfor -%}
    as_of_date
from thresholds
group by as_of_date
