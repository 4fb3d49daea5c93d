with ranges as (

    select * from {{ ref('int_tier_ranges') }}

),

migrations as (

    select * from {{ ref('tier_migrations') }}
    where label_type = 'tier' and cause <> 'restatement'

),

-- all customers with a tier at the opening can move; with a raw tier it is the same customers
openings as (

    select
        as_of_date,
        opening_date,
        sum(case when from_label in ('A', 'B', 'C') then customers else 0 end) as customers
    from migrations
    group by as_of_date, opening_date

),

tier_kinds as (

    select 'raw' as tier_kind
    union all
    select 'published' as tier_kind

),

-- A flap reverses the move before it within var demotion_patience months. Months are counted by the calendar: dbt's
-- datediff counts one month more on Spark where the first date is later in its month, as from January 31 to April 30.
moves as (

    select
        valid_from as as_of_date,
        tier_kind,
        count(*) as moves,
        sum(case
            when tier < tier_before then 1 else 0
        end) as promotions,
        sum(case
            when
                tier = tier_two_before
                and 12 * (extract(year from valid_from) - extract(year from valid_from_before))
                + extract(month from valid_from) - extract(month from valid_from_before)
                <= {{ var('demotion_patience') }}
                then 1
            else 0
        end) as flaps
    from ranges
    where tier_before is not null
    group by valid_from, tier_kind

)

select
    openings.as_of_date,
    openings.opening_date,
    cast(tier_kinds.tier_kind as {{ dbt.type_string() }}) as tier_kind,
    cast(openings.customers as integer) as customers,
    cast(coalesce(moves.moves, 0) as integer) as moves,
    cast(coalesce(moves.promotions, 0) as integer) as promotions,
    cast(coalesce(moves.moves - moves.promotions, 0) as integer) as demotions,
    cast(coalesce(moves.flaps, 0) as integer) as flaps,
    cast(coalesce(moves.moves, 0) as {{ type_double() }}) / nullif(openings.customers, 0) as move_rate,
    cast(coalesce(moves.flaps, 0) as {{ type_double() }}) / nullif(openings.customers, 0) as flap_rate
from openings
cross join tier_kinds
left join moves
    on
        openings.as_of_date = moves.as_of_date
        and tier_kinds.tier_kind = moves.tier_kind
