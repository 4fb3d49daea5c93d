-- ring 3 of tier_periods: on every as-of date every customer with a tier is in exactly one period, with that tier: no
-- gap, no overlap
with history as (

    select * from {{ ref('customer_value_history') }}

),

periods as (

    select * from {{ ref('tier_periods') }}

)

select
    history.as_of_date,
    history.customer_id,
    history.tier,
    count(periods.customer_id) as periods,
    min(periods.tier) as tier_of_period
from history
left join periods
    on
        history.customer_id = periods.customer_id
        and history.as_of_date >= periods.valid_from
        and history.as_of_date < coalesce(periods.valid_to, cast('9999-12-31' as date))
group by history.as_of_date, history.customer_id, history.tier
having
    count(periods.customer_id) <> case when history.tier is null then 0 else 1 end
    or min(periods.tier) is distinct from history.tier
