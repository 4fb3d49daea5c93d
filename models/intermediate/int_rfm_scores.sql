{%- set methods = {
    'midrank': ref('int_rfm_scores_midrank'),
    'ntile': ref('int_rfm_scores_ntile'),
    'cutoffs': ref('int_rfm_scores_cutoffs'),
} -%}
with scores as (

    select * from {{ methods[var('rfm_method')] }}

),

segments as (

    select * from {{ ref('rfm_segments') }}

)

select
    scores.as_of_date,
    scores.customer_id,
    scores.recency_score,
    scores.frequency_score,
    scores.monetary_score,
    segments.rfm_segment
from scores
left join segments
    on
        scores.recency_score = segments.recency_score
        and scores.frequency_score = segments.frequency_score
        and scores.monetary_score = segments.monetary_score
