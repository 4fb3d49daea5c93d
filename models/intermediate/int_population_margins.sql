{{ config(materialized='view') }} -- a few rows, read once

with facts as (

    select * from {{ ref('int_customer_facts') }}
    where order_count > 0

)

-- what the company keeps of a coin of net revenue; nothing sold yet: as where the cost is unknown
select
    as_of_date,
    case
        when sum(net_revenue) > 0
            then cast(sum(margin) as {{ type_double() }}) / cast(sum(net_revenue) as {{ type_double() }})
        else cast({{ var('default_margin_rate') }} as {{ type_double() }})
    end as population_margin_rate
from facts
group by as_of_date
