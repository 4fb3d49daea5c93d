{{ config(materialized='view') }} -- written down once, in customer_value_history

with totals as (

    select * from {{ ref('int_customer_totals') }}

),

slices as (

    select * from {{ ref('int_slices') }}
    where is_open

)

-- totals hold until the next change: a row for each slice until then
select
    slices.as_of_date,
    totals.customer_id,
    totals.first_order_date,
    totals.last_order_date,
    totals.last_activity_date,
    cast(
        {{ dbt.datediff('totals.last_order_date', 'slices.as_of_date', 'day') }} as integer -- noqa: LT05
    ) as recency_days,
    totals.order_count,
    totals.purchase_days,
    cast(case when totals.order_count > 0 then totals.purchase_days - 1 else 0 end as integer) as gap_count,
    cast(
        coalesce({{ dbt.datediff('totals.first_order_date', 'totals.last_order_date', 'day') }}, 0) as integer -- noqa: LT05
    ) as gap_days,
    totals.frequency,
    totals.monetary,
    totals.previous_monetary,
    totals.net_revenue,
    totals.margin,
    totals.margin_is_estimated = 1 as margin_is_estimated,
    cast(totals.discounted_margin as numeric(18, 2)) as realised_value
from totals
inner join slices
    on
        totals.valid_from <= slices.as_of_date
        and coalesce(totals.valid_to > slices.as_of_date, true)
