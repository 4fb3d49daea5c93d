with bins as (

    select * from {{ ref('int_order_chance_bins') }}

),

cumulated as (

    select
        *,
        sum(steadied_customers) over (
            partition by as_of_date, horizon_months, curve order by bin asc
            rows between unbounded preceding and current row
        ) as customers_to_here,
        sum(steadied_bought) over (
            partition by as_of_date, horizon_months, curve order by bin asc
            rows between unbounded preceding and current row
        ) as bought_to_here
    from bins

),

-- shares of all runs of bins; of the runs that begin at one bin and reach a bin or beyond it, the lowest share
runs as (

    select
        first_bins.as_of_date,
        first_bins.horizon_months,
        first_bins.curve,
        last_bins.bin,
        last_bins.position,
        min(
            cast(
                last_bins.bought_to_here - first_bins.bought_to_here + first_bins.steadied_bought
                as {{ type_double() }}
            )
            / cast(
                last_bins.customers_to_here - first_bins.customers_to_here + first_bins.steadied_customers
                as {{ type_double() }}
            )
        ) over (
            partition by first_bins.as_of_date, first_bins.horizon_months, first_bins.curve, first_bins.bin
            order by last_bins.bin asc rows between current row and unbounded following
        ) as least_share
    from cumulated as first_bins
    inner join cumulated as last_bins
        on
            first_bins.as_of_date = last_bins.as_of_date
            and first_bins.horizon_months = last_bins.horizon_months
            and first_bins.curve = last_bins.curve
            and first_bins.bin <= last_bins.bin

)

-- the rising shares nearest to those of the bins, as pooling adjacent violators finds them (max-min formula)
select
    as_of_date,
    horizon_months,
    curve,
    bin,
    position, -- noqa: RF04
    max(least_share) as chance
from runs
group by as_of_date, horizon_months, curve, bin, position
