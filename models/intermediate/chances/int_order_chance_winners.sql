{{ config(materialized='view') }} -- a few rows
with slices as (

    select * from {{ ref('int_slices') }}

),

errors as (

    select * from {{ ref('int_order_chance_errors') }}

),

compared as (

    select
        slices.as_of_date,
        ratios.horizon_months,
        ratios.as_of_date as origin,
        ratios.brier_score < models.brier_score as is_ratio_better,
        row_number() over (
            partition by slices.as_of_date, ratios.horizon_months order by ratios.as_of_date desc
        ) as recency_rank
    from slices
    inner join errors as ratios on slices.as_of_date >= ratios.ends_on
    inner join errors as models
        on ratios.as_of_date = models.as_of_date and ratios.horizon_months = models.horizon_months
    where
        ratios.method = 'overdue_ratio'
        and models.method = 'recalibrated'
        and ratios.brier_score is not null
        and models.brier_score is not null

)

-- by the last origin whose outcome was known
select
    as_of_date,
    horizon_months,
    origin,
    is_ratio_better
from compared
where recency_rank = 1
