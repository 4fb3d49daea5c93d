{{ config(materialized='view') }} -- read by the fit and by the scores, each once

with facts as (

    select * from {{ ref('int_customer_facts') }}
    where order_count > 0

),

measured as (

    select
        as_of_date,
        customer_id,
        gap_count as repeat_count,
        gap_days as last_purchase_age_days,
        cast({{ dbt.datediff('first_order_date', 'as_of_date', 'day') }} as integer) as age_days, -- noqa: LT05
        cast(net_revenue - first_day_net_revenue as numeric(18, 2)) as repeat_net_revenue,
        recency_days,
        frequency,
        purchase_days,
        net_revenue
    from facts

)

select
    as_of_date,
    customer_id,
    repeat_count,
    last_purchase_age_days,
    age_days,
    repeat_net_revenue,
    case
        when repeat_count > 0 then cast(repeat_net_revenue as {{ type_double() }}) / repeat_count
    end as mean_repeat_spend,
    recency_days,
    frequency,
    purchase_days,
    net_revenue
from measured
