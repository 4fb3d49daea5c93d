{{ config(materialized='view') }} -- read by the counts and by the errors; empty on most days
with facts as (

    select * from {{ ref('int_order_chance_facts') }}

),

origins as (

    select * from {{ ref('int_order_chance_origins') }}

),

cases as (

    select
        origins.*,
        facts.customer_id,
        case origins.horizon_months
            when 3 then facts.p_order_3m
            when 6 then facts.p_order_6m
            else facts.p_order_12m
        end as p_order,
        facts.overdue_ratio,
        case when facts.next_order_date <= origins.ends_on then 1 else 0 end as has_bought
    from origins
    inner join facts on origins.as_of_date = facts.as_of_date
    {{ evaluated_once() }}

)

select
    as_of_date,
    horizon_months,
    ends_on,
    slice_version,
    customer_id,
    has_bought,
    p_order as model_position,
    {{ chance_bin('p_order') }} as model_bin,
    1 / (1 + overdue_ratio) as overdue_ratio_position,
    {{ overdue_bin('overdue_ratio') }} as overdue_ratio_bin
from cases
