with return_rates as (

    select * from {{ ref('int_return_rates') }}

)

select
    as_of_date,
    horizon_months,
    ratio_from,
    ratio_to,
    customers,
    returned_customers,
    return_rate,
    monotone_return_rate,

    -- the rate of customers in rhythm, for comparison
    in_rhythm_customers,
    in_rhythm_return_rate,

    -- the origins behind it
    first_origin,
    last_origin,
    slice_version
from return_rates
