-- ring 3: on every date each summary holds every customer and every cent once, customer_growth ends with the active
-- customers, and the cohorts hold all customers with an order
with history as (

    select
        as_of_date,
        count(*) as customers,
        sum(case when lifecycle_stage in ('prospect', 'churned') then 0 else 1 end) as active_customers,
        sum(case when order_count > 0 then 1 else 0 end) as buyers,
        sum(case when order_count > 0 then margin else 0 end) as margin_of_buyers,
        sum(net_revenue) as net_revenue,
        sum(monetary) as monetary,
        sum(margin) as margin,
        sum(realised_value) as realised_value
    from {{ ref('customer_value_history') }}
    group by as_of_date

),

summaries as (

    {% for summary in ['tier_summary', 'segment_summary', 'portfolio_summary'] -%}
    select
        '{{ summary }}' as mart,
        as_of_date,
        sum({{ 'known_customers' if summary == 'portfolio_summary' else 'customers' }}) as customers,
        sum(net_revenue) as net_revenue,
        sum(monetary) as monetary,
        sum(margin) as margin,
        sum(realised_value) as realised_value
    from {{ ref(summary) }}
    group by as_of_date
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

growth as (

    select * from {{ ref('customer_growth') }}

),

cohorts as (

    select
        as_of_date,
        sum(customers) as buyers,
        sum(margin) as margin_of_buyers
    from {{ ref('cohort_retention') }}
    group by as_of_date

)

select
    summaries.*,
    growth.closing_customers,
    history.customers as customers_expected,
    history.active_customers as closing_customers_expected,
    cohorts.buyers,
    history.buyers as buyers_expected
from history
left join summaries on history.as_of_date = summaries.as_of_date
left join growth on history.as_of_date = growth.as_of_date
left join cohorts on history.as_of_date = cohorts.as_of_date
where
    summaries.customers is distinct from history.customers
    or summaries.net_revenue is distinct from history.net_revenue
    or summaries.monetary is distinct from history.monetary
    or summaries.margin is distinct from history.margin
    or summaries.realised_value is distinct from history.realised_value
    or growth.closing_customers is distinct from history.active_customers
    or coalesce(cohorts.buyers, 0) <> history.buyers
    or coalesce(cohorts.margin_of_buyers, 0) <> history.margin_of_buyers
