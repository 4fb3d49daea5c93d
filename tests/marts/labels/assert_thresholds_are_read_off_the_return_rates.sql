-- ring 3 of the learned thresholds: at and above each threshold too few customers came back, just below it enough did,
-- and every date with a known horizon uses one
with thresholds as (

    select * from {{ ref('tier_thresholds') }}

),

rates as (

    select
        thresholds.*,
        return_rates.ratio_from,
        return_rates.monotone_return_rate,
        lag(return_rates.monotone_return_rate) over (
            partition by return_rates.as_of_date order by return_rates.ratio_from asc
        ) as return_rate_below,
        coalesce(return_rates.ratio_from >= thresholds.churned_overdue_ratio, false) as is_churned,
        coalesce(return_rates.ratio_from >= thresholds.decline_overdue_ratio, false) as is_decline,
        return_rates.ratio_from >= 1 and return_rates.customers >= {{ var('min_group_size') }} as is_able_to_convict,
        return_rates.in_rhythm_return_rate as rate_of_rhythm
    from thresholds
    inner join {{ ref('return_rates') }} as return_rates
        on
            thresholds.as_of_date = return_rates.as_of_date
            and thresholds.stage_horizon_months = return_rates.horizon_months

)

select *
from rates
where
    in_rhythm_return_rate <> rate_of_rhythm
    or monotone_return_rate > return_rate_below
    or is_churned and not is_decline
    or (is_able_to_convict or is_decline)
    and is_decline <> (monotone_return_rate < {{ var('decline_return_share') }} * in_rhythm_return_rate)
    or is_churned and monotone_return_rate >= {{ var('churned_return_share') }} * in_rhythm_return_rate
    or is_churned and monotone_return_rate >= {{ var('churned_return_rate') }}
    or is_able_to_convict
    and not is_churned
    and stage_horizon_months = {{ var('churn_horizon_months') }}
    and monotone_return_rate < {{ var('churned_return_rate') }}
    and monotone_return_rate < {{ var('churned_return_share') }} * in_rhythm_return_rate
