-- Who moved between tiers in the last whole month, why, and with how much money?
-- Run it with: dbt show --select tier_moves --limit 50
with migrations as (

    select * from {{ ref('tier_migrations') }}
    where label_type = 'tier' and from_label <> to_label

),

last_month_end as (

    select max(as_of_date) as as_of_date from {{ ref('int_as_of_dates') }}
    where is_month_end

)

select
    {{ dbt.concat(['migrations.from_label', "' to '", 'migrations.to_label']) }} as tier_move,
    migrations.cause,
    migrations.customers,
    migrations.opening_net_revenue,
    migrations.closing_net_revenue
from migrations
inner join last_month_end on migrations.as_of_date = last_month_end.as_of_date
order by migrations.from_label asc, migrations.to_label asc, migrations.customers desc
