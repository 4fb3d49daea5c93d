with pools as (

    select * from {{ ref('int_order_chance_pools') }}
    where bin is not null

),

rates as (

    select * from {{ ref('int_order_chance_rates') }}

),

-- decimals, so that a sum does not depend on the order of its rows
bins as (

    select
        as_of_date,
        horizon_months,
        curve,
        bin,
        cast(sum(cast(weight * customers as numeric(34, 16))) as {{ type_double() }}) as customers,
        cast(sum(cast(weight * bought as numeric(34, 16))) as {{ type_double() }}) as bought,
        cast(sum(cast(weight * cast(position_sum as {{ type_double() }}) as numeric(34, 16))) as {{ type_double() }})
        / cast(sum(cast(weight * customers as numeric(34, 16))) as {{ type_double() }}) as position -- noqa: RF04
    from pools
    group by as_of_date, horizon_months, curve, bin

),

-- each bin as if some customers more had done what was expected of them: of a ratio what all do, of the model what it
-- said itself, and there whole origins more, because all customers of an origin err together
priors as (

    select
        bins.as_of_date,
        bins.horizon_months,
        bins.curve,
        bins.bin,
        bins.customers,
        bins.bought,
        bins.position,
        case when bins.curve = 'model' then bins.position else rates.base_rate end as expected,
        case
            when bins.curve = 'model'
                then {{ var('p_order_prior_origins') }} * bins.customers / rates.model_origins
            else 0
        end + {{ var('p_order_prior_customers') }} as prior_customers
    from bins
    inner join rates on bins.as_of_date = rates.as_of_date and bins.horizon_months = rates.horizon_months
    {{ evaluated_once() }}

),

cumulated as (

    select
        as_of_date,
        horizon_months,
        curve,
        bin,
        position,
        cast(customers + prior_customers as numeric(34, 16)) as customers,
        cast(bought + prior_customers * expected as numeric(34, 16)) as bought,
        sum(cast(customers + prior_customers as numeric(34, 16))) over (
            partition by as_of_date, horizon_months, curve order by bin asc
            rows between unbounded preceding and current row
        ) as customers_to_here,
        sum(cast(bought + prior_customers * expected as numeric(34, 16))) over (
            partition by as_of_date, horizon_months, curve order by bin asc
            rows between unbounded preceding and current row
        ) as bought_to_here
    from priors

),

-- shares of all runs of bins; of those from one bin on, the least that reaches at least so far
runs as (

    select
        first_bins.as_of_date,
        first_bins.horizon_months,
        first_bins.curve,
        last_bins.bin,
        last_bins.position,
        min(
            cast(last_bins.bought_to_here - first_bins.bought_to_here + first_bins.bought as {{ type_double() }})
            / cast(
                last_bins.customers_to_here - first_bins.customers_to_here + first_bins.customers
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
