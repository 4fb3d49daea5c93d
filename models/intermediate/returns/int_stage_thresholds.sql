{{ config(materialized='view') }} -- a few rows, read once
{%- set horizon = var('churn_horizon_months') %}
{%- set text = dbt.type_string() %}

with slices as (

    select * from {{ ref('int_slices') }}
    where is_open

),

convicted as (

    select * from {{ ref('int_overdue_thresholds') }}

),

pools as (

    select * from {{ ref('int_return_pools') }}

),

-- among customers who are not in decline by silence: did customers with fallen revenue come back less often, or spend
-- less on average, than stable customers?
courses as (

    select
        {% for course in ['fallen', 'stable'] -%}
        {% for column in ['customers', 'returned_customers', 'following_revenue'] -%}
        cast(sum(
            case when pools.revenue_course = '{{ course }}' then pools.{{ column }} else 0 end
        ) as {{ type_double() }}) as {{ course }}_{{ column }},
        {% endfor -%}
        {% endfor -%}
        convicted.as_of_date
    from convicted
    inner join pools
        on
            convicted.as_of_date = pools.as_of_date
            and convicted.horizon_months = pools.horizon_months
    where
        convicted.decline_overdue_ratio is null
        -- the same division as in the threshold: 28 / 25 * 25 is more than 28 in doubles
        or cast(pools.ratio_bin as {{ type_double() }}) / {{ var('return_bins_per_ratio') }}
        < convicted.decline_overdue_ratio
    group by convicted.as_of_date

),

learned as (

    select
        convicted.*,
        coalesce(
            courses.fallen_customers >= {{ var('min_group_size') }}
            and courses.stable_customers >= {{ var('min_group_size') }}
            and (
                courses.fallen_returned_customers / nullif(courses.fallen_customers, 0)
                < courses.stable_returned_customers / nullif(courses.stable_customers, 0)
                or courses.fallen_following_revenue / nullif(courses.fallen_customers, 0)
                < courses.stable_following_revenue / nullif(courses.stable_customers, 0)
            ),
            false
        ) as is_fall_a_decline
    from convicted
    left join courses on convicted.as_of_date = courses.as_of_date
    {{ 'where 1 = 0' if var('stage_method') == 'fixed' }}

)

select
    slices.as_of_date,
    case
        when learned.as_of_date is not null then learned.churned_overdue_ratio
        else cast({{ var('churned_overdue_ratio') }} as {{ type_double() }})
    end as churned_overdue_ratio,
    case
        when learned.as_of_date is not null then learned.decline_overdue_ratio
        else cast({{ var('decline_overdue_ratio') }} as {{ type_double() }})
    end as decline_overdue_ratio,
    cast(case
        when coalesce(learned.is_fall_a_decline, true) then {{ var('decline_revenue_ratio') }}
    end as numeric(18, 6)) as decline_revenue_ratio,
    learned.in_rhythm_return_rate,
    learned.horizon_months as stage_horizon_months,
    cast(case
        when learned.horizon_months is null
            then '{{ 'fixed' if var('stage_method') == 'fixed' else 'fixed: too little past' }}'
        when learned.horizon_months = {{ horizon }} then 'calibrated'
        {% for months in return_horizons(horizon)[1:] -%}
        when learned.horizon_months = {{ months }}
            then 'calibrated over {{ months }} month{{ 's' if months > 1 }}'
        {% endfor -%}
    end as {{ text }}) as stage_state
from slices
left join learned on slices.as_of_date = learned.as_of_date
