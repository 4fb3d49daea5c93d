{{ config(
    materialized='incremental', incremental_strategy='append', on_schema_change='fail',
    pre_hook='{{ drop_outdated_slices() }}'
) }}
-- depends_on: {{ ref('int_slices') }}
{%- set curve = 'as_of_date, horizon_months' %}

with numbered as (

    select
        *,
        row_number() over (partition by {{ curve }} order by ratio_bin asc) as group_number,
        lead(ratio_bin) over (partition by {{ curve }} order by ratio_bin asc) as next_ratio_bin,
        sum(customers) over (
            partition by {{ curve }} order by ratio_bin asc rows between unbounded preceding and current row
        ) as customers_to_here,
        sum(returned_customers) over (
            partition by {{ curve }} order by ratio_bin asc rows between unbounded preceding and current row
        ) as returned_to_here,
        sum(case when is_in_rhythm then customers else 0 end) over (partition by {{ curve }}) as in_rhythm_customers,
        sum(case when is_in_rhythm then returned_customers else 0 end) over (partition by {{ curve }})
            as in_rhythm_returned
    from {{ ref('int_return_groups') }}
    where {{ is_missing_slice() }}

),

-- Pooling adjacent violators, in closed form: for each start, the highest rate of the runs of groups that reach a group
-- or beyond it; of these, the lowest over all starts up to the group.
runs as (

    select
        first_groups.as_of_date,
        first_groups.horizon_months,
        first_groups.group_number as start_number,
        last_groups.group_number,
        cast(
            last_groups.returned_to_here - first_groups.returned_to_here + first_groups.returned_customers
            as {{ type_double() }}
        ) / (last_groups.customers_to_here - first_groups.customers_to_here + first_groups.customers) as return_rate
    from numbered as first_groups
    inner join numbered as last_groups
        on
            first_groups.as_of_date = last_groups.as_of_date
            and first_groups.horizon_months = last_groups.horizon_months
            and first_groups.group_number <= last_groups.group_number

),

reaching as (

    select
        as_of_date,
        horizon_months,
        group_number,
        max(return_rate) over (
            partition by {{ curve }}, start_number
            order by group_number desc rows between unbounded preceding and current row
        ) as return_rate
    from runs

),

monotone as (

    select
        as_of_date,
        horizon_months,
        group_number,
        min(return_rate) as return_rate
    from reaching
    group by as_of_date, horizon_months, group_number

)

select
    numbered.as_of_date,
    cast(numbered.horizon_months as integer) as horizon_months,
    cast(numbered.ratio_bin as {{ type_double() }}) / {{ var('return_bins_per_ratio') }} as ratio_from,
    cast(numbered.next_ratio_bin as {{ type_double() }}) / {{ var('return_bins_per_ratio') }} as ratio_to,
    cast(numbered.customers as integer) as customers,
    cast(numbered.returned_customers as integer) as returned_customers,
    cast(numbered.returned_customers as {{ type_double() }}) / numbered.customers as return_rate,
    monotone.return_rate as monotone_return_rate,

    -- the rate of customers in rhythm, for comparison
    cast(numbered.in_rhythm_customers as integer) as in_rhythm_customers,
    cast(numbered.in_rhythm_returned as {{ type_double() }}) / nullif(numbered.in_rhythm_customers, 0)
        as in_rhythm_return_rate,

    -- the origins behind it
    numbered.first_origin,
    numbered.last_origin,
    numbered.slice_version
from numbered
inner join monotone
    on
        numbered.as_of_date = monotone.as_of_date
        and numbered.horizon_months = monotone.horizon_months
        and numbered.group_number = monotone.group_number
