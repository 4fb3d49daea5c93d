{{ config(materialized='incremental', incremental_strategy='append', pre_hook='{{ drop_outdated_slices() }}') }}
{%- set numbers = ['r', 'alpha', 's', 'beta', 'a', 'b', 'p', 'q', 'gamma', 'log_likelihood', 'spend_log_likelihood'] %}
{%- set counts = ['customers', 'repeat_customers', 'spend_customers'] %}
{%- set fits = [('', 'fitted'), ('spend_', 'spent')] %} {#- how columns begin, and the alias of the fit in force #}
{%- set dates = ['attempted_as_of', 'fitted_as_of', 'spend_fitted_as_of'] %}
{%- set columns = dates + ['fit_state', 'model'] + numbers + counts + ['is_converged', 'fit_note', 'spend_note'] %}

with slices as (

    select * from {{ ref('int_slices') }}
    where is_open

),

fit_dates as (

    select * from {{ ref('int_clv_fit_dates') }}

),

attempts as (

    select * from {{ ref('int_clv_attempts') }}

),
{%- if is_incremental() %}

-- what stands before the open slices goes on until the next fit
standing as (

    select
        *,
        row_number() over (order by as_of_date desc) as recency_rank
    from {{ this }}
    where as_of_date < (select min(slices.as_of_date) from slices)

),
{%- endif %}

candidates as (

    select
        valid_from,
        {{ columns | join(', ') }}
    from attempts
    {%- if is_incremental() %}
    union all
    select
        as_of_date as valid_from,
        {{ columns | join(', ') }}
    from standing
    where recency_rank = 1 and attempted_as_of is not null
    {%- endif %}

),

-- the newest attempt says how things are, the newest that succeeded has the parameters
ranked as (

    select
        slices.as_of_date,
        candidates.*,
        {% for kind, _ in fits -%}
        row_number() over (
            partition by slices.as_of_date
            order by
                case when candidates.{{ kind }}fitted_as_of is null then 1 else 0 end asc, -- noqa: RF02
                candidates.attempted_as_of desc
        ) as {{ kind }}fit_rank,
        {% endfor -%}
        row_number() over (partition by slices.as_of_date order by candidates.attempted_as_of desc) as attempt_rank
    from slices
    inner join candidates on slices.as_of_date >= candidates.valid_from

),

last_fit_dates as (

    select
        slices.as_of_date,
        max(fit_dates.as_of_date) as last_fit_date
    from slices
    inner join fit_dates on slices.as_of_date >= fit_dates.as_of_date
    group by slices.as_of_date

)

select
    slices.as_of_date,
    {% for kind, fit in fits -%}
    cast(case
        when last_fit_dates.last_fit_date is null then 'no fit date yet'
        when attempts_made.attempted_as_of is null or attempts_made.attempted_as_of < last_fit_dates.last_fit_date
            then 'awaiting fit'
        when {{ fit }}.{{ kind }}fitted_as_of is null then 'no fit'
        when {{ fit }}.{{ kind }}fitted_as_of < attempts_made.attempted_as_of then 'carried forward'
        else 'fitted'
    end as {{ dbt.type_string() }}) as {{ kind }}state,
    cast({{ fit }}.{{ kind }}fitted_as_of as date) as {{ kind }}fitted_as_of,
    {% endfor -%}
    cast(attempts_made.attempted_as_of as date) as attempted_as_of,
    cast(attempts_made.fit_state as {{ dbt.type_string() }}) as fit_state,
    cast(attempts_made.fit_note as {{ dbt.type_string() }}) as fit_note,
    cast(attempts_made.spend_note as {{ dbt.type_string() }}) as spend_note,
    cast(fitted.model as {{ dbt.type_string() }}) as model, -- noqa: RF04

    -- purchases, days; then spend, reporting currency; then how the fits went
    {% for column in numbers -%}
    cast(
        {{ 'spent' if column in ['p', 'q', 'gamma', 'spend_log_likelihood'] else 'fitted' }}.{{ column }}
        as {{ type_double() }}
    ) as {{ column }},
    {% endfor -%}
    {% for column in counts -%}
    cast(attempts_made.{{ column }} as {{ dbt.type_bigint() }}) as {{ column }},
    {% endfor -%}
    coalesce(attempts_made.is_converged, false) as is_converged,

    slices.slice_version
from slices
left join last_fit_dates on slices.as_of_date = last_fit_dates.as_of_date
left join ranked as attempts_made on slices.as_of_date = attempts_made.as_of_date and attempts_made.attempt_rank = 1
{% for kind, fit in fits -%}
left join ranked as {{ fit }}
    on
        slices.as_of_date = {{ fit }}.as_of_date
        and {{ fit }}.{{ kind }}fit_rank = 1
        and {{ fit }}.{{ kind }}fitted_as_of is not null
{% endfor -%}
where {{ is_missing_slice('slices.as_of_date') }}
