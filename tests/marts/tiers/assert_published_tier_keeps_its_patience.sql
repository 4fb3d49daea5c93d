-- ring 3 of the published tier: at a month-end it is the best raw tier of the last var demotion_patience month-ends,
-- computed again by a join over dates; within a month it is the best of the raw tier and those month-ends. Opening
-- columns are equal to the slice before.
with history as (

    select * from {{ ref('customer_value_history') }}
    where tier is not null

),

dates as (

    select
        as_of_date,
        opening_date,
        is_month_end,
        row_number() over (order by as_of_date asc) as date_number
    from {{ ref('int_as_of_dates') }}

),

looked_back as (

    select
        judged.as_of_date,
        judged.opening_date,
        earlier.as_of_date as earlier_date
    from dates as judged
    inner join dates as earlier
        on
            judged.date_number >= earlier.date_number
            and judged.date_number
            < earlier.date_number + {{ var('demotion_patience') }} + case when judged.is_month_end then 0 else 1 end

),

best as (

    select
        history.as_of_date,
        history.customer_id,
        history.tier,
        min(earlier.raw_tier) as best_raw_tier
    from history
    inner join looked_back on history.as_of_date = looked_back.as_of_date
    inner join history as earlier
        on
            looked_back.earlier_date = earlier.as_of_date
            and history.customer_id = earlier.customer_id
    group by history.as_of_date, history.customer_id, history.tier

)

select
    as_of_date,
    customer_id,
    'the tier is not the best raw tier of its patience' as problem
from best
where tier <> best_raw_tier
union all
select
    history.as_of_date,
    history.customer_id,
    'the opening is not the slice before' as problem
from history
inner join dates on history.as_of_date = dates.as_of_date
left join history as opening
    on
        dates.opening_date = opening.as_of_date
        and history.customer_id = opening.customer_id
where
    history.opening_tier is distinct from opening.tier
    or history.opening_raw_tier is distinct from opening.raw_tier
    or history.opening_rfm_segment is distinct from opening.rfm_segment
    or (opening.customer_id is not null and history.opening_lifecycle_stage is distinct from opening.lifecycle_stage)
    or (opening.customer_id is not null and history.opening_net_revenue is distinct from opening.net_revenue)
    or (opening.customer_id is not null and history.opening_monetary is distinct from opening.monetary)
