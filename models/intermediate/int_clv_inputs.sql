{{ config(materialized='view') }} -- read by the fit and by the scores, each once

with facts as (

    select * from {{ ref('int_customer_facts') }}

)

-- the facts of everybody, with what the models of purchases and spend ask for beside them
select
    *,
    gap_count as repeat_count,
    gap_days as last_purchase_age_days,
    cast({{ dbt.datediff('first_order_date', 'as_of_date', 'day') }} as integer) as age_days, -- noqa: LT05
    case
        when gap_count > 0 then cast(repeat_net_revenue as {{ type_double() }}) / gap_count
    end as mean_repeat_spend,
    case
        when order_count = 0 then cast(null as {{ type_double() }})
        when net_revenue > 0 then cast(net_revenue as {{ type_double() }}) / purchase_days
        else cast(0 as {{ type_double() }})
    end as own_mean_spend
from facts
