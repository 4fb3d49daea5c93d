{{ config(materialized='incremental', incremental_strategy='append', pre_hook='{{ drop_outdated_slices() }}') }}
{%- set value = abc_value_columns()[var('abc_value')] %}
{%- set largest_first -%}
over (partition by as_of_date order by measured_value desc rows between unbounded preceding and current row)
{%- endset %}

-- losses count as 0
with customers as (

    select
        as_of_date,
        cast(case when {{ value }} > 0 then {{ value }} else 0 end as numeric(18, 2)) as measured_value
    from {{ ref('customer_value_history') }}
    where order_count > 0 and {{ value }} is not null and {{ is_missing_slice() }}

),

-- one row per distinct value: customers with equal values share one segment of the curve
value_groups as (

    select
        as_of_date,
        measured_value,
        cast(count(*) as numeric(10, 0)) as customers,
        cast(measured_value * cast(count(*) as numeric(10, 0)) as numeric(24, 2)) as group_value
    from customers
    group by as_of_date, measured_value

),

cumulated as (

    select
        *,
        cast(sum(customers) over (partition by as_of_date) as numeric(10, 0)) as customers_total,
        cast(sum(customers) {{ largest_first }} as numeric(10, 0)) as customers_to_here,
        cast(sum(group_value) {{ largest_first }} as numeric(24, 2)) as value_to_here
    from value_groups

),

-- Between its points the curve is straight, because customers with equal values share a group. Decimals until the last
-- step, because their sum is exact.
totals as (

    select
        as_of_date,
        sum(customers) as customers,
        sum(group_value) as total_value,
        sum(customers * (2 * value_to_here - group_value)) as twice_area
    from cumulated
    group by as_of_date

),

percentiles as (

    select generated_number - 1 as percentile
    from ({{ dbt.generate_series(101) }}) as numbers

),

-- the groups in which a percentile ends, at most 100 per date: the value up to the end of the group, less the value of
-- its customers beyond the percentile; times 100, so that no customer has to be divided. The filter finds them before
-- the join: the whole percents at their end are more than those before them.
reached as (

    select
        cumulated.as_of_date,
        percentiles.percentile,
        100 * cumulated.value_to_here - cumulated.measured_value
        * (100 * cumulated.customers_to_here - percentiles.percentile * cumulated.customers_total) as value_reached
    from cumulated
    inner join percentiles
        on
            percentiles.percentile * cumulated.customers_total <= 100 * cumulated.customers_to_here
            and percentiles.percentile * cumulated.customers_total
            > 100 * (cumulated.customers_to_here - cumulated.customers)
    where
        100 * cumulated.customers_to_here - (100 * cumulated.customers_to_here) % cumulated.customers_total
        > 100 * (cumulated.customers_to_here - cumulated.customers)
        - (100 * (cumulated.customers_to_here - cumulated.customers)) % cumulated.customers_total

)

select
    slices.as_of_date,
    cast(percentiles.percentile as integer) as percentile,
    cast(coalesce(totals.customers, 0) as integer) as customers,
    cast(coalesce(totals.total_value, 0) as numeric(18, 2)) as total_value,
    cast(coalesce(reached.value_reached, 0) as {{ type_double() }})
    / nullif(100 * cast(totals.total_value as {{ type_double() }}), 0) as value_share,
    {{ gini('totals.twice_area', 'totals.customers', 'totals.total_value') }} as gini,
    {{ own_slice_version('slices.slice_version') }} as slice_version
from {{ ref('int_slices') }} as slices
cross join percentiles
left join totals on slices.as_of_date = totals.as_of_date
left join reached on slices.as_of_date = reached.as_of_date and percentiles.percentile = reached.percentile
where {{ is_missing_slice('slices.as_of_date') }}
