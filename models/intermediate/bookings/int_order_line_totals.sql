with order_items as (

    select * from {{ ref('stg_order_items') }}
    where reject_reasons = ''

)

select
    order_id,
    cast(count(*) as integer) as line_count,
    -- a sum over some of the lines would look like the cost of all of them
    cast(case when count(cost_amount) = count(*) then sum(cost_amount) end as numeric(18, 2)) as cost_amount
from order_items
group by order_id
