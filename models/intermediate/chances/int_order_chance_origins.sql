{%- set is_new = [] -%}
{%- for relation in built_relations(['int_order_chance_counts', 'int_order_chance_errors']) -%}
{%- do is_new.append(is_missing_origin(relation, 'origins', 'month_ends')) -%}
{%- endfor -%}
with month_ends as (

    select
        {% for horizon in [3, 6, 12] -%}
        lead(as_of_date, {{ horizon }}) over (order by as_of_date asc) as end_{{ horizon }}m,
        {% endfor -%}
        as_of_date,
        slice_version
    from {{ ref('int_slices') }}
    where is_month_end

),

fit_dates as (

    select * from {{ ref('int_clv_fit_dates') }}

),

origins as (

    {% for horizon in [3, 6, 12] -%}
    select
        month_ends.as_of_date,
        {{ horizon }} as horizon_months,
        month_ends.end_{{ horizon }}m as ends_on
    from month_ends
    inner join fit_dates on month_ends.as_of_date = fit_dates.as_of_date
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

-- the counts of an origin are valid as long as the slice in which the horizon ends, as in int_clv_backtest_origins
select
    origins.as_of_date,
    origins.horizon_months,
    origins.ends_on,
    month_ends.slice_version
from origins
inner join month_ends on origins.ends_on = month_ends.as_of_date
where {{ is_new | join(' or ') or '1 = 1' }}
