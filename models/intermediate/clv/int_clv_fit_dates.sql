{{ config(materialized='view') }} -- a few rows

with slices as (

    select * from {{ ref('int_slices') }}
    where is_month_end

)

-- by the calendar, so that they depend neither on the day of the build nor on the first order
select
    as_of_date,
    slice_version,
    is_open
from slices
where (12 * extract(year from as_of_date) + extract(month from as_of_date)) % {{ var('clv_refit_months') }} = 0
