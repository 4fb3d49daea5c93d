with migrations as (

    select * from {{ ref('tier_migrations') }}
    where label_type = 'lifecycle_stage' and cause <> 'restatement'

),

slices as (

    select * from {{ ref('int_slices') }}

),

thresholds as (

    select * from {{ ref('tier_thresholds') }}

),

flows as (

    select
        *,
        {{ customer_flow('from_label', 'to_label', "cause = 'threshold_shift'") }} as flow,
        closing_net_revenue - opening_net_revenue as net_revenue
    from migrations

),

-- active customers have an order and are not churned
growth as (

    select
        as_of_date,
        {% for flow in ['new', 'resurrected', 'churned', 'relabelled_active', 'relabelled_churned', 'retained'] -%}
        sum(case when flow = '{{ flow }}' then customers else 0 end) as {{ flow }}_customers,
        {% endfor -%}
        sum(case when from_label not in ('not known', 'prospect', 'churned') then customers else 0 end)
            as opening_customers,
        sum(case when to_label not in ('prospect', 'churned') then customers else 0 end) as closing_customers,
        sum(net_revenue) as net_revenue
    from flows
    group by as_of_date

),

-- churn is unknown if nobody can be churned at the opening or at the close, and in the first month, which has no
-- opening
rates as (

    select
        growth.*,
        slices.opening_date,
        slices.is_month_end,
        slices.slice_version,
        case
            when opening.churned_overdue_ratio is not null and closing.churned_overdue_ratio is not null
                then coalesce(
                    cast(growth.churned_customers as {{ type_double() }}) / nullif(growth.opening_customers, 0), 0
                )
        end as lost_share
    from growth
    inner join slices on growth.as_of_date = slices.as_of_date
    left join thresholds as closing on growth.as_of_date = closing.as_of_date
    left join thresholds as opening on slices.opening_date = opening.as_of_date

),

-- only whole months count: up to the as-of date if it is a month-end, else up to the month-end before
annual as (

    select
        *,
        case
            when is_month_end then {{ annual_churn_rate('lost_share', 'as_of_date') }}
            else {{ annual_churn_rate('lost_share', 'as_of_date', months_back=1) }}
        end as annual_churn_rate
    from rates

)

select
    as_of_date,
    opening_date,
    cast(opening_customers as integer) as opening_customers,
    cast(new_customers as integer) as new_customers,
    cast(resurrected_customers as integer) as resurrected_customers,
    cast(churned_customers as integer) as churned_customers,
    cast(relabelled_active_customers - relabelled_churned_customers as integer) as relabelled_customers,
    cast(closing_customers as integer) as closing_customers,
    cast(retained_customers as integer) as retained_customers,
    cast(relabelled_churned_customers as integer) as relabelled_churned_customers,
    cast(net_revenue as numeric(18, 2)) as net_revenue,
    case when opening_customers > 0 then lost_share end as churn_rate,
    annual_churn_rate,
    {{ expected_lifetime('1', 'annual_churn_rate') }} as expected_lifetime_years,
    {{ own_slice_version() }} as slice_version
from annual
