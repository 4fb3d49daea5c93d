{%- set along = 'over (partition by as_of_date, horizon_months, curve order by bin asc)' -%}
with knots as (

    select * from {{ ref('int_order_chance_knots') }}

),

numbers as (

    {{ dbt.generate_series(21) }}

),

-- straight lines from knot to knot, constant before the first and after the last
lines as (

    select
        *,
        lag(bin) {{ along }} is null as is_first,
        lead(bin) {{ along }} as next_bin,
        coalesce(
            (chance - lag(chance) {{ along }}) / nullif(position - lag(position) {{ along }}, 0), 0
        ) as slope_below,
        coalesce(
            (lead(chance) {{ along }} - chance) / nullif(lead(position) {{ along }} - position, 0), 0
        ) as slope_above
    from knots

),

bins as (

    select
        'model' as curve,
        cast(generated_number - 1 as integer) as bin
    from numbers
    where generated_number <= 20
    union all
    select
        'overdue_ratio' as curve,
        cast(1 - generated_number as integer) as bin
    from numbers

)

-- a bin without a knot of its own lies on the line from the next lower knot; below the first knot the curve is constant
select
    lines.as_of_date,
    lines.horizon_months,
    lines.curve,
    bins.bin,
    lines.position, -- noqa: RF04
    lines.chance,
    case
        when bins.bin = lines.bin then lines.slope_below
        when bins.bin > lines.bin then lines.slope_above
        else 0
    end as slope_below,
    case when bins.bin >= lines.bin then lines.slope_above else 0 end as slope_above
from lines
inner join bins
    on
        lines.curve = bins.curve
        and (lines.bin <= bins.bin or lines.is_first)
        and (lines.next_bin > bins.bin or lines.next_bin is null)
