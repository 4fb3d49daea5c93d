with slices as (

    select * from {{ ref('int_slices') }}

),

origins as (

    select * from {{ ref('int_order_chance_origins') }}

),

parameters as (

    select * from {{ ref('int_clv_parameters') }}

),

thresholds as (

    select * from {{ ref('int_label_thresholds') }}

),

months as (

    select
        slices.as_of_date,
        row_number() over (order by slices.as_of_date asc) as month_number,
        fit_dates.as_of_date is not null as is_fit_date
    from slices
    left join {{ ref('int_clv_fit_dates') }} as fit_dates on slices.as_of_date = fit_dates.as_of_date
    where slices.is_month_end

),

-- until the first origin has a 3-month outcome, only the model gives a rate of customers in rhythm
first_fit as (

    select
        min(as_of_date) as as_of_date,
        cast({{ dbt.dateadd('day', -1, dbt.dateadd('month', 3, dbt.dateadd(
            'day', 1, 'min(case when month_number >= 3 then as_of_date end)'
        ))) }} as date) as first_outcome_on
    from months
    where is_fit_date

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
        and slices.as_of_date < coalesce(first_fit.first_outcome_on, cast('9999-12-31' as date))

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
