with pools as (

    select * from {{ ref('int_order_chance_pools') }}
    where bin is not null

),

rates as (

    select * from {{ ref('int_order_chance_rates') }}

),

-- decimals, so that a sum does not depend on the order of its rows
sums as (

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

-- Each bin gets additional customers that behave as expected: at the base rate for the overdue ratio, at the model's
-- own chance for the model. The model's bins also get whole additional origins, because errors within an origin are
-- correlated.
priors as (

    select
        sums.*,
        case when sums.curve = 'model' then sums.position else rates.base_rate end as expected,
        case
            when sums.curve = 'model'
                then {{ var('p_order_prior_origins') }} * sums.customers / rates.model_origins
            else 0
        end + {{ var('p_order_prior_customers') }} as prior_customers
    from sums
    inner join rates on sums.as_of_date = rates.as_of_date and sums.horizon_months = rates.horizon_months

)

select
    as_of_date,
    horizon_months,
    curve,
    bin,
    position, -- noqa: RF04
    cast(customers + prior_customers as numeric(34, 16)) as steadied_customers,
    cast(bought + prior_customers * expected as numeric(34, 16)) as steadied_bought
from priors
