{#- what the history is made of has to stand before the rest is left alone; below it every mart looks after itself -#}
{%- set kept = built_relations(kept_models('all', above=true)) -%}
{%- set counted = built_relations(['int_return_counts']) -%}
with as_of_dates as (

    select * from {{ ref('int_as_of_dates') }}

),

customer_days as (

    select * from {{ ref('int_customer_days') }}

),

-- all that a slice rests on, under the day from which it counts; an undated customer counts from the start
inputs as (

    select
        booked_on as known_on,
        {{ row_hash([
            'customer_id', 'order_date', 'booked_on', 'order_count', 'net_revenue', 'repeat_net_revenue',
            'discounted_margin', 'margin', 'margin_is_estimated'
        ]) }} as row_hash
    from customer_days
    union all
    select
        coalesce(known_on, cast('0001-01-01' as date)) as known_on,
        {{ row_hash(['customer_id', 'known_on', 'acquisition_cost']) }} as row_hash
    from {{ ref('int_customers') }}

),

contents as (

    {{ slice_contents('as_of_dates', 'inputs') }}

),

versions as (

    select
        as_of_dates.*,
        {{ dbt.concat([
            'cast(as_of_dates.as_of_date as ' ~ dbt.type_string() ~ ')', "'/" ~ definitions_key() ~ "/'",
            'substring(md5(' ~ dbt.concat([
                'contents.contents_hash', "'/'",
                "coalesce(cast(as_of_dates.opening_date as " ~ dbt.type_string() ~ "), '')"
            ]) ~ '), 1, 16)'
        ]) }} as slice_version
    from as_of_dates
    inner join contents on as_of_dates.as_of_date = contents.as_of_date

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
        -- what has the current date alone is made from its open slice
        {% for name in kept_models('latest') -%}
        and (
            as_of_date < (select max(latest.as_of_date) from versions as latest)
            {% for relation in built_relations([name]) -%}
            or {{ own_slice_version(of=name) }} in (select distinct slice_version from {{ relation }})
            {% endfor -%}
        )
        {% endfor %}as is_standing,
        -- whether who came back by this month-end has still to be counted (int_return_counts); by the first, nobody
        is_month_end
        and opening_date is not null
        {% for relation in counted -%}
        and slice_version not in (select distinct slice_version from {{ relation }})
        {% endfor %}as is_uncounted
    from versions

),

-- from the first slice that does not stand as it should; a later one rests on the same inputs and more
opened as (

    select
        *,
        min(case when not is_standing then slice_number end) over (partition by 1) as first_open_number,
        -- with the month-ends from which it is counted
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
