-- ring 2: a published net present value at irregular dates (seed oracle_discounted_value), to the cent, in both
-- directions
with oracle as (

    select * from {{ ref('oracle_discounted_value') }}

),

totals as (

    select
        example,
        max(expected_total) as expected_total,
        sum({{ discounted_value('amount', 'days', 'annual_discount_rate') }}) as actual_total
    from oracle
    group by example

)

select *
from totals
where not coalesce(abs(actual_total - expected_total) <= 0.005, false)
