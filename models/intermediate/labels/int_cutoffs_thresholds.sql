{{ config(materialized='view') }} -- a few rows, used with the method cutoffs only

with slices as (

    select * from {{ ref('int_slices') }}
    where is_open

),

cutoffs as (

    select * from {{ ref('rfm_cutoffs') }}

),

by_score as (

    {% for score in [2, 3, 4, 5] -%}
    select
        measure as seed_measure,
        {{ score }} as score,
        score_{{ score }} as cutoff
    from cutoffs
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

-- larger is better here, so days are negative; days and orders are whole numbers, so 2.5 orders means 3
select
    slices.as_of_date,
    case when by_score.seed_measure = 'recency_days' then 'recency' else by_score.seed_measure end as measure,
    by_score.score,
    case by_score.seed_measure
        when 'recency_days' then -floor(by_score.cutoff)
        when 'frequency' then ceil(by_score.cutoff)
        else by_score.cutoff
    end as measured_value,
    cast(null as {{ dbt.type_string() }}) as customer_id
from slices
cross join by_score
