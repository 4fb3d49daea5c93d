{{ config(materialized='view') }} -- a few rows

with slices as (

    select
        as_of_date,
        slice_version,
        cast(
            {{ dbt.dateadd('month', -var('label_lookback_months'), 'as_of_date') }} as date
        ) as lookback_starts_after
    from {{ ref('int_slices') }}

),

counts as (

    select * from {{ ref('int_return_counts') }}

)

-- the origins that count on a date: within its look-back, and with a horizon that is over
select
    slices.as_of_date,
    slices.slice_version,
    counts.horizon_months,
    counts.ratio_bin,
    counts.revenue_course,
    min(counts.as_of_date) as first_origin,
    max(counts.as_of_date) as last_origin,
    sum(counts.customers) as customers,
    sum(counts.returned_customers) as returned_customers,
    cast(sum(counts.following_revenue) as numeric(18, 2)) as following_revenue
from slices
inner join counts
    on
        slices.as_of_date >= counts.returns_end_on
        and slices.lookback_starts_after < counts.as_of_date
group by
    slices.as_of_date, slices.slice_version, counts.horizon_months, counts.ratio_bin, counts.revenue_course
