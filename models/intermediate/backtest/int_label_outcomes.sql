{%- set horizons = label_horizons([var('churn_horizon_months')]) -%}
{%- set labels = label_columns() -%}
with origins as (

    select
        as_of_date,
        {% for months in horizons -%}
        max(case when horizon_months = {{ months }} then horizon_ends_on end) as ends_on_{{ months }},
        {% endfor -%}
        max(horizon_ends_on) as last_ends_on
    from {{ ref('int_label_origins') }}
    group by as_of_date

),

-- origins and ends of horizons are month-ends, so whole months are either in a horizon or not
months as (

    select
        customer_id,
        cast({{ dbt.date_trunc('month', 'order_date') }} as date) as ordered_in,
        cast({{ dbt.date_trunc('month', 'booked_on') }} as date) as booked_in,
        max(case when order_count > 0 then 1 else 0 end) as has_bought,
        sum(net_revenue) as net_revenue
    from {{ ref('int_customer_days') }}
    where order_date > (select min(origins.as_of_date) from origins)
    group by
        customer_id,
        cast({{ dbt.date_trunc('month', 'order_date') }} as date),
        cast({{ dbt.date_trunc('month', 'booked_on') }} as date)

),

-- customers with a booking after an origin: one row each, for all horizons together
outcomes as (

    select
        {% for horizon in horizons -%}
        max(
            case when months.booked_in <= origins.ends_on_{{ horizon }} then months.has_bought else 0 end
        ) as returned_{{ horizon }},
        sum(
            case when months.booked_in <= origins.ends_on_{{ horizon }} then months.net_revenue else 0 end
        ) as revenue_{{ horizon }},
        {% endfor -%}
        origins.as_of_date,
        months.customer_id
    from months
    inner join origins on months.ordered_in > origins.as_of_date and months.booked_in <= origins.last_ends_on
    group by origins.as_of_date, months.customer_id

),

labelled as (

    select
        {% for label in labels -%}
        history.{{ label }},
        {% endfor -%}
        history.as_of_date,
        history.customer_id
    from {{ ref('customer_value_history') }} as history
    inner join origins on history.as_of_date = origins.as_of_date
    where history.order_count > 0

)

select
    labelled.as_of_date,
    {% for label in labels -%}
    labelled.{{ label }},
    {% endfor -%}
    {% for horizon in horizons -%}
    coalesce(sum(outcomes.returned_{{ horizon }}), 0) as returned_{{ horizon }},
    cast(coalesce(sum(outcomes.revenue_{{ horizon }}), 0) as numeric(18, 2)) as revenue_{{ horizon }},
    {% endfor -%}
    count(*) as customers
from labelled
left join outcomes on labelled.as_of_date = outcomes.as_of_date and labelled.customer_id = outcomes.customer_id
group by
    {% for label in labels -%}
    labelled.{{ label }},
    {% endfor -%}
    labelled.as_of_date
