{{ config(materialized='view') }} -- a few rows

with month_ends as (

    select
        as_of_date,
        slice_version,
        is_open,
        row_number() over (order by as_of_date asc) as month_number
    from {{ ref('int_slices') }}
    where is_month_end

)

-- counted from the first month, so that they do not depend on when the build runs
select
    as_of_date,
    slice_version,
    is_open
from month_ends
where month_number % {{ var('clv_refit_months') }} = 0
