{{ config(materialized='incremental', incremental_strategy='append', pre_hook='{{ drop_outdated_slices() }}') }}

with slices as (

    select * from {{ ref('int_slices') }}
    where is_open

),

value_ranks as (

    select * from {{ ref('int_lifetime_value_ranks' if var('abc_value') == 'lifetime_value' else 'int_value_ranks') }}
    where measure = 'ranked_value'

),

totals as (

    select
        as_of_date,
        cast(max(customers_to_here) as numeric(10, 0)) as customers_total,
        max(value_to_here) as value_total
    from value_ranks
    group by as_of_date

),

percentiles as (

    {{ dbt.generate_series(101) }}

),

-- largest values first; losses count as 0
cumulated as (

    select
        value_ranks.as_of_date,
        totals.customers_total,
        totals.value_total,
        cast(value_ranks.customers as numeric(10, 0)) as customers,
        case when value_ranks.measured_value > 0 then value_ranks.measured_value else 0 end as measured_value,
        cast(
            totals.customers_total - value_ranks.customers_to_here + value_ranks.customers as numeric(10, 0)
        ) as customers_to_here,
        cast(
            totals.value_total - value_ranks.value_to_here
            + case
                when value_ranks.measured_value > 0 then value_ranks.measured_value * value_ranks.customers else 0
            end
            as numeric(24, 2)
        ) as value_to_here
    from value_ranks
    inner join totals on value_ranks.as_of_date = totals.as_of_date

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
    slices.slice_version
from slices
cross join percentiles
left join inequality on slices.as_of_date = inequality.as_of_date
left join reached
    on
        slices.as_of_date = reached.as_of_date
        and percentiles.generated_number - 1 = reached.percentile
where {{ is_missing_slice('slices.as_of_date') }}
