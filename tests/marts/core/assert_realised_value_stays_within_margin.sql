-- ring 3 of the discounted value: realised value is at most the undiscounted margin, and at least the margin discounted
-- as if all of it came on the last possible day. Tested where no single movement has a negative margin.
with losses as (

    select distinct customer_id
    from {{ ref('int_ledger') }}
    where margin < 0

),

bounds as (

    select
        history.customer_id,
        history.realised_value,
        history.margin as upper_bound,
        {{ discounted_value(
            'history.margin',
            dbt.datediff('history.first_order_date', 'history.as_of_date', 'day'),
            var('annual_discount_rate')
        ) }} as lower_bound
    from {{ ref('customer_value_history') }} as history
    left join losses on history.customer_id = losses.customer_id
    where losses.customer_id is null and history.order_count > 0

)

select *
from bounds
where
    not coalesce(realised_value <= upper_bound + 0.005, false)
    or not coalesce(realised_value >= lower_bound - 0.005, false)
