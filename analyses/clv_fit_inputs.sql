-- What fits of predicted value read: for each open fit date the bins of its customers, one row without a measure where
-- it has none. scripts/fit_clv.py reads it with: dbt show --select clv_fit_inputs --output json --limit -1
select
    fit_dates.as_of_date,
    fit_dates.slice_version,
    stats.measure,
    stats.customers,
    stats.repeat_count,
    stats.last_purchase_age_days,
    stats.age_days,
    stats.repeat_net_revenue
from {{ ref('int_clv_fit_dates') }} as fit_dates
left join {{ ref('int_clv_fit_stats') }} as stats on fit_dates.as_of_date = stats.as_of_date
where fit_dates.is_open
