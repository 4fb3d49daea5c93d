{{ config(materialized='view') }} -- a few rows, read once

with facts as (

    select * from {{ ref('int_customer_facts') }}
    where gap_count > 0

)

select
    as_of_date,
    cast(sum(gap_days) as {{ type_double() }}) / sum(gap_count) as population_mean_gap_days
from facts
group by as_of_date
