-- ring 3: the recalibrated chance of an order is not worse than the model's own chance by more than noise: at most two
-- standard errors of a mean of losses between 0 and 1, and of the shares of ten bins. A past that was a bad guide, as
-- before an unusual year, is a warning and stops nothing.
{{ config(severity='warn') }}
with backtest as (

    select * from {{ ref('chance_backtest') }}

)

select
    recalibrated.as_of_date,
    recalibrated.horizon_months,
    recalibrated.customers,
    modelled.brier_score as raw_brier_score,
    recalibrated.brier_score,
    modelled.calibration_error as raw_calibration_error,
    recalibrated.calibration_error
from backtest as recalibrated
inner join backtest as modelled
    on
        recalibrated.as_of_date = modelled.as_of_date
        and recalibrated.horizon_months = modelled.horizon_months
where
    recalibrated.method = 'recalibrated'
    and modelled.method = 'raw'
    and (
        recalibrated.brier_score
        > modelled.brier_score + 2 * sqrt(modelled.brier_score * (1 - modelled.brier_score) / modelled.customers)
        or recalibrated.calibration_error
        > modelled.calibration_error
        + 2 * sqrt(10 * modelled.share_bought * (1 - modelled.share_bought) / modelled.customers)
    )
