{{ config(materialized='view') }} -- a few rows, read once
{%- set horizon = var('churn_horizon_months') %}

-- Fewer customers in rhythm are too few to compare with. Customers in rhythm are never churned, and small groups set no
-- threshold.
with curves as (

    select
        *,
        ratio_from >= 1 and customers >= {{ var('min_group_size') }} as is_able_to_convict
    from {{ ref('int_return_rates') }}
    where in_rhythm_customers >= {{ var('min_group_size') }}

),

-- the longest horizon for which the past is long enough; its limit is lower for a shorter horizon
bases as (

    select
        as_of_date,
        max(horizon_months) as horizon_months,
        case max(horizon_months)
            {% for months in return_horizons(horizon) -%}
            when {{ months }} then cast({{
                return_rate_limit(var('churned_return_rate'), months, horizon)
            }} as {{ type_double() }})
            {% endfor -%}
        end as churned_return_rate
    from curves
    group by as_of_date

)

-- the threshold is the smallest ratio at which too few customers came back
select
    bases.as_of_date,
    bases.horizon_months,
    max(curves.in_rhythm_return_rate) as in_rhythm_return_rate,
    min(case
        when
            curves.is_able_to_convict
            and curves.monotone_return_rate < bases.churned_return_rate
            and curves.monotone_return_rate < {{ var('churned_return_share') }} * curves.in_rhythm_return_rate
            then curves.ratio_from
    end) as churned_overdue_ratio,
    min(case
        when
            curves.is_able_to_convict
            and curves.monotone_return_rate < {{ var('decline_return_share') }} * curves.in_rhythm_return_rate
            then curves.ratio_from
    end) as decline_overdue_ratio
from bases
inner join curves
    on
        bases.as_of_date = curves.as_of_date
        and bases.horizon_months = curves.horizon_months
group by bases.as_of_date, bases.horizon_months
