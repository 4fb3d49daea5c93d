{{ config(materialized='incremental', incremental_strategy='append', pre_hook='{{ drop_outdated_slices() }}') }}
{%- set value = abc_value_columns()[var('abc_value')] %}

with slices as (

    select * from {{ ref('int_slices') }}

),

-- losses count as 0
customers as (

    select
        as_of_date,
        cast(case when {{ value }} > 0 then {{ value }} else 0 end as numeric(18, 2)) as measured_value
    from {{ ref('customer_value_history') }}
    where order_count > 0 and {{ value }} is not null and {{ is_missing_slice() }}

),

-- one row per distinct value: equals share a stretch of the curve
value_groups as (

    select
        as_of_date,
        measured_value,
        cast(count(*) as numeric(10, 0)) as customers
    from customers
    group by as_of_date, measured_value

),

percentiles as (

    {{ dbt.generate_series(101) }}

),

-- largest values first
cumulated as (

    select
        *,
        cast(sum(customers) over (partition by as_of_date) as numeric(10, 0)) as customers_total,
        cast(sum(measured_value * customers) over (partition by as_of_date) as numeric(24, 2)) as value_total,
        cast(sum(customers) over (
            partition by as_of_date order by measured_value desc rows between unbounded preceding and current row
        ) as numeric(10, 0)) as customers_to_here,
        cast(sum(measured_value * customers) over (
            partition by as_of_date order by measured_value desc rows between unbounded preceding and current row
        ) as numeric(24, 2)) as value_to_here
    from value_groups

),

-- Between its points the curve is straight, as equals share a group. Decimals to the last step: their sum is exact.
inequality as (

    select
        as_of_date,
        max(customers_total) as customers_total,
        max(value_total) as value_total,
        sum(customers * (2 * value_to_here - measured_value * customers)) as twice_area
    from cumulated
    group by as_of_date

),

-- the groups in which a percentile ends, at most 100 a date
reached as (

    select
        cumulated.as_of_date,
        percentiles.generated_number - 1 as percentile,
        (
            100 * cumulated.value_to_here - cumulated.measured_value
            * (100 * cumulated.customers_to_here - (percentiles.generated_number - 1) * cumulated.customers_total)
        ) as value_reached
    from cumulated
    inner join percentiles
        on
            (percentiles.generated_number - 1) * cumulated.customers_total <= 100 * cumulated.customers_to_here
            and (percentiles.generated_number - 1) * cumulated.customers_total
            > 100 * (cumulated.customers_to_here - cumulated.customers)

)

select
    slices.as_of_date,
    cast(percentiles.generated_number - 1 as integer) as percentile,
    cast(coalesce(inequality.customers_total, 0) as integer) as customers,
    cast(coalesce(inequality.value_total, 0) as numeric(18, 2)) as total_value,
    cast(coalesce(reached.value_reached, 0) as {{ type_double() }})
    / nullif(100 * cast(inequality.value_total as {{ type_double() }}), 0) as value_share,
    cast(inequality.twice_area as {{ type_double() }})
    / nullif(
        cast(inequality.customers_total as {{ type_double() }}) * cast(inequality.value_total as {{ type_double() }}), 0
    ) - 1 as gini,
    {{ own_slice_version('slices.slice_version') }} as slice_version
from slices
cross join percentiles
left join inequality on slices.as_of_date = inequality.as_of_date
left join reached
    on
        slices.as_of_date = reached.as_of_date
        and percentiles.generated_number - 1 = reached.percentile
where {{ is_missing_slice('slices.as_of_date') }}
