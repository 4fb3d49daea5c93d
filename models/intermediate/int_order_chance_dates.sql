with slices as (

    select * from {{ ref('int_slices') }}

),

origins as (

    select * from {{ ref('int_order_chance_origins') }}

),

parameters as (

    select * from {{ ref('clv_parameters') }}

),

thresholds as (

    select * from {{ ref('tier_thresholds') }}

),

-- until a first origin has seen three months go by, nothing but the model says what those in rhythm do
first_fit as (

    select
        min(as_of_date) as as_of_date,
        cast({{ dbt.dateadd(
            'day', -1, dbt.dateadd('month', 3, dbt.dateadd('day', 1, 'min(as_of_date)'))
        ) }} as date) as three_months_on
    from {{ ref('int_clv_fit_dates') }}

),

dates as (

    select as_of_date from origins
    union
    select slices.as_of_date
    from slices
    cross join first_fit
    where
        slices.is_open
        and slices.as_of_date >= first_fit.as_of_date
        and slices.as_of_date < first_fit.three_months_on

)

select
    dates.as_of_date,
    parameters.r,
    parameters.alpha,
    parameters.s,
    parameters.beta,
    parameters.a,
    parameters.b,
    thresholds.population_mean_gap_days
from dates
inner join parameters on dates.as_of_date = parameters.as_of_date
inner join thresholds on dates.as_of_date = thresholds.as_of_date
