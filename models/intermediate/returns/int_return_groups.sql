{{ config(materialized='view') }} -- a few rows
{%- set bins_per_ratio = var('return_bins_per_ratio') %}
{%- set curve = 'as_of_date, horizon_months' %}
{%- set side = curve ~ ', is_in_rhythm' %}

with pools as (

    select * from {{ ref('int_return_pools') }}

),

bins as (

    select
        as_of_date,
        slice_version,
        horizon_months,
        ratio_bin,
        ratio_bin < {{ bins_per_ratio }} as is_in_rhythm,
        min(first_origin) as first_origin,
        max(last_origin) as last_origin,
        sum(customers) as customers,
        sum(returned_customers) as returned_customers
    from pools
    group by as_of_date, slice_version, horizon_months, ratio_bin

),

-- Few customers make no rate, so bins are joined to steps: a step ends where the number of customers so far passes a
-- multiple of var min_group_size. A step with fewer customers than that is joined to the step below it. No step crosses
-- a ratio of 1, where rhythm ends.
numbered as (

    select
        *,
        floor(
            (sum(customers) over (
                partition by {{ side }} order by ratio_bin asc rows between unbounded preceding and current row
            ) - customers) / cast({{ var('min_group_size') }} as {{ type_double() }})
        ) as step_number
    from bins

),

steps as (

    select
        *,
        sum(customers) over (partition by {{ side }}, step_number) as step_customers,
        row_number() over (partition by {{ side }}, step_number order by ratio_bin asc) as bin_of_step
    from numbered

),

placed as (

    select
        *,
        sum(case when bin_of_step = 1 and step_customers >= {{ var('min_group_size') }} then 1 else 0 end) over (
            partition by {{ side }} order by ratio_bin asc rows between unbounded preceding and current row
        ) as group_number
    from steps

)

select
    as_of_date,
    slice_version,
    horizon_months,
    is_in_rhythm,
    min(ratio_bin) as ratio_bin,
    min(first_origin) as first_origin,
    max(last_origin) as last_origin,
    sum(customers) as customers,
    sum(returned_customers) as returned_customers
from placed
group by as_of_date, slice_version, horizon_months, is_in_rhythm, group_number
