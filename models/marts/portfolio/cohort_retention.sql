{{ config(materialized='incremental', incremental_strategy='append', pre_hook='{{ drop_outdated_slices() }}') }}

with history as (

    select * from {{ ref('customer_value_history') }}
    where order_count > 0 and {{ is_missing_slice() }}

),

slices as (

    select * from {{ ref('int_slices') }}

),

cohorts as (

    select
        history.as_of_date,
        history.slice_version,
        cast({{ dbt.date_trunc('month', 'history.first_order_date') }} as date) as cohort_month,
        slices.opening_date is null or history.last_order_date > slices.opening_date as is_active,
        history.lifecycle_stage <> 'churned' as is_retained,
        history.net_revenue,
        history.margin
    from history
    inner join slices on history.as_of_date = slices.as_of_date

)

select
    cohort_month,
    as_of_date,
    cast({{ months_between('cohort_month', 'as_of_date') }} as integer) as months_since,
    cast(count(*) as integer) as customers,
    cast(sum(case when is_active then 1 else 0 end) as integer) as active_customers,
    cast(sum(case when is_active then 1 else 0 end) as {{ type_double() }}) / count(*) as active_share,
    cast(sum(case when is_retained then 1 else 0 end) as integer) as retained_customers,
    cast(sum(case when is_retained then 1 else 0 end) as {{ type_double() }}) / count(*) as retained_share,
    cast(sum(net_revenue) as numeric(18, 2)) as net_revenue,
    cast(sum(margin) as numeric(18, 2)) as margin,
    {{ mean_amount('sum(margin)', 'count(*)') }} as margin_per_customer,
    {{ own_slice_version() }} as slice_version
from cohorts
group by cohort_month, as_of_date, slice_version
