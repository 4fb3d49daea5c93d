with pools as (

    select * from {{ ref('int_order_chance_pools') }}

),

-- decimals, so that a sum does not depend on the order of its rows
origins as (

    select
        as_of_date,
        origin,
        horizon_months,
        max(case when curve = 'model' and bin is not null then cast(weight as numeric(34, 16)) end) as model_weight,
        sum(case
            when curve = 'overdue_ratio' then cast(weight * customers as numeric(34, 16))
        end) as customers,
        sum(case when curve = 'overdue_ratio' then cast(weight * bought as numeric(34, 16)) end) as bought,
        sum(case
            when curve = 'overdue_ratio' and bin > -2 then cast(weight * customers as numeric(34, 16))
        end) as in_rhythm,
        sum(case
            when curve = 'overdue_ratio' and bin > -2 then cast(weight * bought as numeric(34, 16))
        end) as in_rhythm_bought
    from pools
    group by as_of_date, origin, horizon_months

)

select
    as_of_date,
    horizon_months,
    cast(count(*) as integer) as origin_count,
    cast(sum(model_weight) as {{ type_double() }}) as model_origins,
    cast(sum(bought) as {{ type_double() }}) / cast(sum(customers) as {{ type_double() }}) as base_rate,
    cast(sum(in_rhythm_bought) as {{ type_double() }})
    / nullif(cast(sum(in_rhythm) as {{ type_double() }}), 0) as in_rhythm_rate
from origins
group by as_of_date, horizon_months
