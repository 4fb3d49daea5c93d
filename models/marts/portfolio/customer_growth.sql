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

-- an active customer is one who has ordered and is not churned
flows as (

    select
        as_of_date,
        from_label not in ('not known', 'prospect', 'churned') as was_active,
        to_label not in ('prospect', 'churned') as is_active,
        from_label = 'churned' as was_churned,
        cause = 'threshold_shift' as is_relabelled,
        customers,
        closing_net_revenue - opening_net_revenue as net_revenue
    from migrations

),

growth as (

    select
        as_of_date,
        sum(case when was_active then customers else 0 end) as opening_customers,
        sum(case when is_active and not was_active and not was_churned then customers else 0 end) as new_customers,
        -- without a purchase a silence only grows, so who is churned no more has bought, or the threshold moved
        sum(case when is_active and was_churned and not is_relabelled then customers else 0 end)
            as resurrected_customers,
        sum(case when was_active and not is_active and not is_relabelled then customers else 0 end)
            as churned_customers,
        sum(case when is_active and was_churned and is_relabelled then customers else 0 end) as relabelled_active,
        sum(case when was_active and not is_active and is_relabelled then customers else 0 end) as relabelled_churned,
        sum(case when was_active and is_active then customers else 0 end) as retained_customers,
        sum(case when is_active then customers else 0 end) as closing_customers,
        sum(net_revenue) as net_revenue
    from flows
    group by as_of_date

),

-- where nobody can be called churned, at either end, nothing is known of how many were lost
rates as (

    select
        growth.*,
        slices.opening_date,
        slices.is_month_end,
        slices.slice_version,
        case
            when
                closing.churned_overdue_ratio is not null
                and (slices.opening_date is null or opening.churned_overdue_ratio is not null)
                then coalesce(
                    cast(growth.churned_customers as {{ type_double() }}) / nullif(growth.opening_customers, 0), 0
                )
        end as lost_share
    from growth
    inner join slices on growth.as_of_date = slices.as_of_date
    left join thresholds as closing on growth.as_of_date = closing.as_of_date
    left join thresholds as opening on slices.opening_date = opening.as_of_date

),

-- the shares that outlive twelve whole months: up to a month-end, and up to the one before a day within a month
survival as (

    select
        *,
        (1 - lost_share)
        {%- for months_back in range(1, 12) %}
        * (1 - lag(lost_share, {{ months_back }}) over (order by as_of_date asc))
        {%- endfor %} as survival_to_here,
        {% for months_back in range(1, 13) -%}
        {{ '* ' if not loop.first }}(1 - lag(lost_share, {{ months_back }}) over (order by as_of_date asc))
        {% endfor %}as survival_to_opening,
        -- the first month of all has no opening, so nobody could be lost in it
        case
            when is_month_end then lag(opening_date, 11) over (order by as_of_date asc)
            else lag(opening_date, 12) over (order by as_of_date asc)
        end is not null as has_a_year
    from rates

),

annual as (

    select
        *,
        1 - case when is_month_end then survival_to_here else survival_to_opening end as annual_churn_rate
    from survival

)

select
    as_of_date,
    opening_date,
    cast(opening_customers as integer) as opening_customers,
    cast(new_customers as integer) as new_customers,
    cast(resurrected_customers as integer) as resurrected_customers,
    cast(churned_customers as integer) as churned_customers,
    cast(relabelled_active - relabelled_churned as integer) as relabelled_customers,
    cast(closing_customers as integer) as closing_customers,
    cast(retained_customers as integer) as retained_customers,
    cast(relabelled_churned as integer) as relabelled_churned_customers,
    cast(net_revenue as numeric(18, 2)) as net_revenue,
    case when opening_customers > 0 then lost_share end as churn_rate,
    case when has_a_year then annual_churn_rate end as annual_churn_rate,
    case when has_a_year then {{ expected_lifetime('1', 'annual_churn_rate') }} end as expected_lifetime_years,
    {{ own_slice_version() }} as slice_version
from annual
