with label_thresholds as (

    select * from {{ ref('int_label_thresholds') }}

),

abc_thresholds as (

    select * from {{ ref('int_abc_thresholds') }}

)

select
    label_thresholds.as_of_date,
    abc_thresholds.customers,

    -- the ABC tier
    abc_thresholds.abc_value_a,
    abc_thresholds.abc_value_b,

    -- the scores
    {% for measure in ['recency', 'frequency', 'monetary'] -%}
    {%- for score in [2, 3, 4, 5] -%}
    label_thresholds.{{ measure }}_score_{{ score }},
    {% endfor %}
    {%- endfor %}
    -- the first customers exactly at a threshold with the score, with the method ntile
    {% for measure in ['recency', 'frequency', 'monetary'] -%}
    {%- for score in [2, 3, 4, 5] -%}
    label_thresholds.{{ measure }}_score_{{ score }}_customer_id,
    {% endfor %}
    {%- endfor %}
    -- the lifecycle stage
    label_thresholds.population_mean_gap_days,
    label_thresholds.churned_overdue_ratio,
    label_thresholds.decline_overdue_ratio,
    label_thresholds.decline_revenue_ratio,
    label_thresholds.stage_state,
    label_thresholds.stage_horizon_months,
    label_thresholds.in_rhythm_return_rate,

    label_thresholds.slice_version
from label_thresholds
inner join abc_thresholds on label_thresholds.as_of_date = abc_thresholds.as_of_date
