with knots as (

    select * from {{ ref('int_order_chance_knots') }}

),

bins as (

    {{ dbt.generate_series(41) }}

),

curves as (

    select distinct
        as_of_date,
        horizon_months,
        curve
    from knots

),

grid as (

    select
        curves.as_of_date,
        curves.horizon_months,
        curves.curve,
        cast(bins.generated_number - 21 as integer) as bin
    from curves
    cross join bins
    where
        curves.curve = 'model' and bins.generated_number between 21 and 40
        or curves.curve = 'overdue_ratio' and bins.generated_number <= 21

),

-- a bin has a knot of its own or borrows the next lower one, else the next higher one
neighbours as (

    select
        grid.as_of_date,
        grid.horizon_months,
        grid.curve,
        grid.bin,
        max(case when knots.bin < grid.bin then knots.bin end) as lower_bin,
        max(case when knots.bin = grid.bin then knots.bin end) as own_bin,
        min(case when knots.bin > grid.bin then knots.bin end) as upper_bin
    from grid
    inner join knots
        on
            grid.as_of_date = knots.as_of_date
            and grid.horizon_months = knots.horizon_months
            and grid.curve = knots.curve
    group by grid.as_of_date, grid.horizon_months, grid.curve, grid.bin

),

{%- set own = 'coalesce(own.position, lower_knots.position, upper_knots.position)' -%}
{%- set chance = 'coalesce(own.chance, lower_knots.chance, upper_knots.chance)' %}
{%- set above = '(upper_knots.chance - ' ~ chance ~ ') / nullif(upper_knots.position - ' ~ own ~ ', 0)' %}

joined as (

    select
        neighbours.as_of_date,
        neighbours.horizon_months,
        neighbours.curve,
        neighbours.bin,
        {{ own }} as position, -- noqa: RF04
        {{ chance }} as chance,
        case
            when own.bin is null then {{ above }}
            else (own.chance - lower_knots.chance) / (own.position - lower_knots.position)
        end as slope_below,
        {{ above }} as slope_above
    from neighbours
    left join knots as lower_knots
        on
            neighbours.as_of_date = lower_knots.as_of_date
            and neighbours.horizon_months = lower_knots.horizon_months
            and neighbours.curve = lower_knots.curve
            and neighbours.lower_bin = lower_knots.bin
    left join knots as own
        on
            neighbours.as_of_date = own.as_of_date
            and neighbours.horizon_months = own.horizon_months
            and neighbours.curve = own.curve
            and neighbours.own_bin = own.bin
    left join knots as upper_knots
        on
            neighbours.as_of_date = upper_knots.as_of_date
            and neighbours.horizon_months = upper_knots.horizon_months
            and neighbours.curve = upper_knots.curve
            and neighbours.upper_bin = upper_knots.bin

)

-- straight lines from knot to knot, level beyond the first and the last
select
    as_of_date,
    horizon_months,
    curve,
    bin,
    position, -- noqa: RF04
    chance,
    coalesce(slope_below, 0) as slope_below,
    coalesce(slope_above, 0) as slope_above
from joined
