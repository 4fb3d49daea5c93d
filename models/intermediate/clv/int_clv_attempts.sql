{#- a table, because a command may replace int_clv_fits, and no view may depend on it then #}
{%- set numbers = ['r', 'alpha', 's', 'beta', 'a', 'b', 'p', 'q', 'gamma', 'log_likelihood', 'spend_log_likelihood'] %}
{%- set counts = ['customers', 'repeat_customers', 'spend_customers'] %}
{%- set fits = clv_fits() -%}
with fit_dates as (

    select * from {{ ref('int_clv_fit_dates') }}

)

-- only fits to the current data: a fit to another version of the slice does not count
{% if fits -%}
select
    fits.fitted_as_of as valid_from,
    cast(fits.fitted_as_of as date) as attempted_as_of,
    fits.is_usable,
    cast(case when fits.is_usable then fits.fitted_as_of end as date) as fitted_as_of,
    cast(case when fits.p is not null then fits.fitted_as_of end as date) as spend_fitted_as_of,
    cast(fits.state as {{ dbt.type_string() }}) as fit_state,
    cast(fits.model as {{ dbt.type_string() }}) as model, -- noqa: RF04
    {% for column in numbers -%}
    cast(fits.{{ column }} as {{ type_double() }}) as {{ column }},
    {% endfor -%}
    {% for column in counts -%}
    cast(fits.{{ column }} as {{ dbt.type_bigint() }}) as {{ column }},
    {% endfor -%}
    fits.is_converged,
    cast(fits.note as {{ dbt.type_string() }}) as fit_note,
    cast(fits.spend_note as {{ dbt.type_string() }}) as spend_note
from {{ fits }} as fits
inner join fit_dates
    on
        fits.fitted_as_of = fit_dates.as_of_date
        and fits.slice_version = fit_dates.slice_version
{%- else -%}
{#- nothing has been fitted on this engine yet -#}
select
    as_of_date as valid_from,
    as_of_date as attempted_as_of,
    false as is_usable,
    as_of_date as fitted_as_of,
    as_of_date as spend_fitted_as_of,
    cast(null as {{ dbt.type_string() }}) as fit_state,
    cast(null as {{ dbt.type_string() }}) as model,
    {% for column in numbers -%}
    cast(null as {{ type_double() }}) as {{ column }},
    {% endfor -%}
    {% for column in counts -%}
    cast(null as {{ dbt.type_bigint() }}) as {{ column }},
    {% endfor -%}
    false as is_converged,
    cast(null as {{ dbt.type_string() }}) as fit_note,
    cast(null as {{ dbt.type_string() }}) as spend_note
from fit_dates
where 1 = 0
{%- endif %}
