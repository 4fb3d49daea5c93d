with parameters as (

    select * from {{ ref('int_clv_parameters') }}

)

select
    as_of_date,
    state,
    fitted_as_of,
    spend_state,
    spend_fitted_as_of,
    attempted_as_of,
    fit_state,
    fit_note,
    spend_note,
    model, -- noqa: RF04

    -- purchases, days; then spend, reporting currency
    r,
    alpha,
    s,
    beta,
    a,
    b,
    p,
    q,
    gamma,

    -- how the fits went
    log_likelihood,
    spend_log_likelihood,
    customers,
    repeat_customers,
    spend_customers,
    is_converged,
    slice_version
from parameters
