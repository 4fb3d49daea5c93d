{#- a slice stands if all kept tables that the history is made of have it; later marts add their own missing slices -#}
{%- set kept = built_relations(kept_models('all', above=true)) -%}
{%- set counted = built_relations(['int_return_counts']) -%}
with versions as (

    select * from {{ ref('int_slice_versions') }}

),

standing as (

    select
        *,
        row_number() over (order by as_of_date asc) as slice_number,
        {% for relation in kept -%}
        {{ 'and ' if not loop.first }}slice_version in (select distinct slice_version from {{ relation }})
        {% else -%}
        false
        {% endfor -%}
        -- marts of the current date alone are made from its open slice
        {% for name in kept_models('latest') -%}
        and (
            as_of_date < (select max(latest.as_of_date) from versions as latest)
            {% for relation in built_relations([name]) -%}
            or {{ own_slice_version(of=name) }} in (select distinct slice_version from {{ relation }})
            {% endfor -%}
        )
        {% endfor %}as is_standing,
        -- true if the customers who came back by this month-end are not counted yet (int_return_counts); by the first
        -- month-end nobody can have come back
        is_month_end
        and opening_date is not null
        {% for relation in counted -%}
        and slice_version not in (select distinct slice_version from {{ relation }})
        {% endfor %}as is_uncounted
    from versions

),

-- open from the first slice that does not stand: later slices depend on the same inputs and more
opened as (

    select
        *,
        min(case when not is_standing then slice_number end) over (partition by 1) as first_open_number,
        -- and the origins from which an uncounted month-end is counted
        is_uncounted{% for months in return_horizons(var('churn_horizon_months')) %}
        or coalesce(lead(is_uncounted, {{ months }}) over (order by as_of_date asc), false)
        {% endfor %}as is_held_for_returns
    from standing

)

select
    as_of_date,
    {% for back in range(1, var('demotion_patience') + 1) -%}
    back_{{ back }}_date,
    {% endfor -%}
    opening_date,
    demotion_reference_date,
    is_month_end,
    window_starts_after,
    previous_window_starts_after,
    slice_version,
    coalesce(slice_number >= first_open_number, false) as is_open,
    is_uncounted,
    is_held_for_returns,
    coalesce(slice_number >= first_open_number - {{ var('demotion_patience') }}, false)
    or is_held_for_returns as is_looked_at
from opened
