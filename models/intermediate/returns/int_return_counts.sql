{{ config(materialized='incremental', incremental_strategy='append', pre_hook='{{ drop_outdated_slices() }}') }}

with origins as (

    select * from {{ ref('int_return_origins') }}
    where {{ is_missing_slice('returns_end_on') }}

),

facts as (

    select * from {{ ref('int_return_facts') }}

)

-- customers without an expected gap are neither in rhythm nor overdue
select
    origins.as_of_date,
    origins.horizon_months,
    origins.returns_end_on,
    at_origin.ratio_bin,
    cast(at_origin.revenue_course as {{ dbt.type_string() }}) as revenue_course,
    cast(count(*) as integer) as customers,
    cast(
        sum(case when at_end.purchase_days > at_origin.purchase_days then 1 else 0 end) as integer
    ) as returned_customers,
    cast(sum(at_end.net_revenue - at_origin.net_revenue) as numeric(18, 2)) as following_revenue,
    origins.slice_version
from origins
inner join facts as at_origin on origins.as_of_date = at_origin.as_of_date
inner join facts as at_end
    on
        origins.returns_end_on = at_end.as_of_date
        and at_origin.customer_id = at_end.customer_id
where at_origin.ratio_bin is not null
group by
    origins.as_of_date, origins.horizon_months, origins.returns_end_on, at_origin.ratio_bin, at_origin.revenue_course,
    origins.slice_version
