-- ring 3: the recalibrated chance of an order is no worse than the model's own word by more than noise: two standard
-- errors, at most, of a mean of losses between 0 and 1, and of the shares of ten bins. A past that was no guide, such as
-- a year unlike the others, is said and stops nothing.
{{ config(severity='warn') }}
with backtest as (

    select * from {{ ref('chance_backtest') }}

)

select
    recalibrated.as_of_date,
    recalibrated.horizon_months,
    recalibrated.customers,
    raw.brier_score as raw_brier_score,
    recalibrated.brier_score,
    raw.calibration_error as raw_calibration_error,
    recalibrated.calibration_error
from backtest as recalibrated
inner join backtest as raw
    on
        recalibrated.as_of_date = raw.as_of_date
        and recalibrated.horizon_months = raw.horizon_months
where
    recalibrated.method = 'recalibrated'
    and raw.method = 'raw'
    and (
        recalibrated.brier_score
        > raw.brier_score + 2 * sqrt(raw.brier_score * (1 - raw.brier_score) / raw.customers)
        or recalibrated.calibration_error
        > raw.calibration_error + 2 * sqrt(10 * raw.share_bought * (1 - raw.share_bought) / raw.customers)
    )
