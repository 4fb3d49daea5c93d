{{ config(materialized='view') }} -- read by the rates and by the curves
with slices as (

    select * from {{ ref('int_slices') }}

),

origins as (

    select distinct as_of_date
    from {{ ref('int_order_chance_origins') }}

),

counts as (

    select * from {{ ref('int_order_chance_counts') }}

),

months as (

    select
        as_of_date,
        row_number() over (order by as_of_date asc) as month_number
    from slices
    where is_month_end

),

dates as (

    select
        slices.as_of_date,
        cast({{ dbt.dateadd('month', -var('label_lookback_months'), 'slices.as_of_date') }} as date) as looks_back_to
    from slices
    left join origins on slices.as_of_date = origins.as_of_date
    where slices.is_open or origins.as_of_date is not null

)

-- Past origins count if their outcome is known and they have at least as many months of history as their horizon:
-- before that, the model knows only the customers' first months. An origin that is one horizon older counts half.
select
    dates.as_of_date,
    counts.as_of_date as origin,
    counts.horizon_months,
    counts.curve,
    counts.bin,
    counts.customers,
    counts.bought,
    counts.position_sum,
    power(
        cast(0.5 as {{ type_double() }}),
        cast({{ months_between('counts.ends_on', 'dates.as_of_date') }} as {{ type_double() }})
        / counts.horizon_months
    ) as weight
from dates
inner join counts on dates.as_of_date >= counts.ends_on and dates.looks_back_to <= counts.as_of_date
inner join months on counts.as_of_date = months.as_of_date and counts.horizon_months <= months.month_number
