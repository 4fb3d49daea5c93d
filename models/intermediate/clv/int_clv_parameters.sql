{{ config(
    materialized='incremental', incremental_strategy='append', on_schema_change='fail',
    pre_hook='{{ drop_outdated_slices() }}'
) }}
{%- set purchases = ['model', 'r', 'alpha', 's', 'beta', 'a', 'b', 'log_likelihood'] %}
{%- set spend = ['p', 'q', 'gamma', 'spend_log_likelihood'] %}
{%- set states = ['attempted_as_of', 'fitted_as_of', 'spend_fitted_as_of', 'fit_state', 'fit_note', 'spend_note'] %}
{%- set counts = ['customers', 'repeat_customers', 'spend_customers', 'is_converged'] %}
{%- set columns = states + counts + purchases + spend %}

with slices as (

    select
        slices.as_of_date,
        slices.slice_version,
        max(fit_dates.as_of_date) as last_fit_date
    from {{ ref('int_slices') }} as slices
    left join {{ ref('int_clv_fit_dates') }} as fit_dates on slices.as_of_date >= fit_dates.as_of_date
    where slices.is_open
    group by slices.as_of_date, slices.slice_version

),

{% if is_incremental() -%}
-- the parameters before the open slices stay in force until the next fit
standing as (

    select * from {{ this }}
    where as_of_date < (select min(slices.as_of_date) from slices)

),

{% endif -%}
fits as (

    select
        valid_from,
        {{ columns | join(', ') }}
    from {{ ref('int_clv_attempts') }}
    {%- if is_incremental() %}
    union all
    select
        as_of_date as valid_from,
        {{ columns | join(', ') }}
    from standing
    where attempted_as_of is not null and as_of_date = (select max(latest.as_of_date) from standing as latest)
    {%- endif %}

),

-- the state is from the newest attempt, the parameters are from the newest successful one
ranked as (

    select
        slices.as_of_date,
        fits.*,
        row_number() over (partition by slices.as_of_date order by fits.attempted_as_of desc) as attempt_rank,
        row_number() over (
            partition by slices.as_of_date, fits.fitted_as_of is null order by fits.attempted_as_of desc
        ) as fit_rank,
        row_number() over (
            partition by slices.as_of_date, fits.spend_fitted_as_of is null order by fits.attempted_as_of desc
        ) as spend_fit_rank
    from slices
    inner join fits on slices.as_of_date >= fits.valid_from

)

select
    slices.as_of_date,
    cast({{
        clv_fit_state('slices.last_fit_date', 'attempts.attempted_as_of', 'fitted.fitted_as_of')
    }} as {{ dbt.type_string() }}) as state,
    fitted.fitted_as_of,
    cast({{
        clv_fit_state('slices.last_fit_date', 'attempts.attempted_as_of', 'spent.spend_fitted_as_of')
    }} as {{ dbt.type_string() }}) as spend_state,
    spent.spend_fitted_as_of,
    attempts.attempted_as_of,
    attempts.fit_state,
    attempts.fit_note,
    attempts.spend_note,
    {% for column in purchases -%}
    fitted.{{ column }},
    {% endfor -%}
    {% for column in spend -%}
    spent.{{ column }},
    {% endfor -%}
    attempts.customers,
    attempts.repeat_customers,
    attempts.spend_customers,
    coalesce(attempts.is_converged, false) as is_converged,
    slices.slice_version
from slices
left join ranked as attempts on slices.as_of_date = attempts.as_of_date and attempts.attempt_rank = 1
left join ranked as fitted
    on slices.as_of_date = fitted.as_of_date and fitted.fit_rank = 1 and fitted.fitted_as_of is not null
left join ranked as spent
    on slices.as_of_date = spent.as_of_date and spent.spend_fit_rank = 1 and spent.spend_fitted_as_of is not null
where {{ is_missing_slice('slices.as_of_date') }}
