-- The label churned comes true: within churn_horizon_months of a past month-end, at most churned_return_rate of the
-- churned customers bought again, fewer of the churned than of the customers in decline, and fewer in decline than in
-- stability. Pooled over origins that do not overlap and whose thresholds were learned; fails where the intervals
-- exclude it. Returns the failures, with the rates; label_truth has each single origin. It stops no refresh: labels
-- that miss, as after a campaign that won customers back, are a warning, and later thresholds are learned from those
-- outcomes.
{{ config(severity='warn') }}
with truth as (

    select * from {{ ref('label_truth') }}
    where label_type = 'lifecycle_stage' and horizon_months = {{ var('churn_horizon_months') }}

),

-- the last origin whose outcome is known, and every h-th month-end before it
origins as (

    select
        as_of_date,
        row_number() over (order by as_of_date desc) as months_back
    from (select distinct as_of_date from truth) as dates

),

pooled as (

    select
        truth.label, -- noqa: RF04
        case truth.label when 'stability' then 1 when 'decline' then 2 when 'churned' then 3 end as place,
        sum(truth.customers) as customers,
        sum(truth.returned_customers) as returned_customers
    from truth
    inner join origins on truth.as_of_date = origins.as_of_date
    inner join {{ ref('tier_thresholds') }} as thresholds on truth.as_of_date = thresholds.as_of_date
    where mod(origins.months_back - 1, {{ var('churn_horizon_months') }}) = 0 and thresholds.stage_state = 'calibrated'
    group by truth.label

),

rates as (

    select
        *,
        {{ wilson_interval('returned_customers', 'customers', 'low') }} as return_rate_low,
        {{ wilson_interval('returned_customers', 'customers', 'high') }} as return_rate_high
    from pooled

)

select
    'too many of the churned came back' as failure,
    label, -- noqa: RF04
    customers,
    returned_customers,
    return_rate_low,
    return_rate_high,
    {{ var('churned_return_rate') }} as held_against
from rates
where label = 'churned' and return_rate_low > {{ var('churned_return_rate') }}
union all
select
    {{ dbt.concat(["'fewer came back than of '", 'behind.label']) }} as failure,
    ahead.label, -- noqa: RF04
    ahead.customers,
    ahead.returned_customers,
    ahead.return_rate_low,
    ahead.return_rate_high,
    behind.return_rate_low as held_against
from rates as ahead
inner join rates as behind on ahead.place < behind.place
where
    ahead.return_rate_high < behind.return_rate_low
    and ahead.customers >= {{ var('min_group_size') }}
    and behind.customers >= {{ var('min_group_size') }}
