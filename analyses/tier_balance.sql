-- Do the tiers add up, month by month, newest first? opening + entries - exits = closing, in customers.
-- The opening is as shown at the month-end before; entries and exits include its restatements.
-- Money balances in the same way: assert_migrations_balance.
-- Run it with: dbt show --select tier_balance --limit 50
with migrations as (

    select * from {{ ref('tier_migrations') }}
    where label_type = 'tier'

),

-- a restatement is an exit or an entry like any other; at the opening its customers count in the tier that was shown
sides as (

    select
        as_of_date,
        from_label as tier,
        case when cause = 'restatement' and from_label = to_label then 0 else customers end as opening,
        0 as entries,
        case when from_label <> to_label then customers else 0 end as exits
    from migrations
    union all
    select
        as_of_date,
        to_label as tier,
        case when cause = 'restatement' and from_label <> to_label then -customers else 0 end as opening,
        case when from_label <> to_label then customers else 0 end as entries,
        0 as exits
    from migrations

)

select
    as_of_date,
    tier,
    sum(opening) as opening,
    sum(entries) as entries,
    sum(exits) as exits,
    sum(opening) + sum(entries) - sum(exits) as closing
from sides
where tier <> 'not known'
group by as_of_date, tier
order by as_of_date desc, tier asc
