-- ring 3: on every date each summary holds every customer and every cent once, and its shares sum to 1
with history as (

    select
        as_of_date,
        count(*) as customers,
        sum(monetary) as monetary,
        sum(margin) as margin,
        sum(realised_value) as realised_value
    from {{ ref('customer_value_history') }}
    group by as_of_date

),

summaries as (

    {% for summary in ['tier_summary', 'segment_summary'] -%}
    select
        '{{ summary }}' as mart,
        as_of_date,
        sum(customers) as customers,
        sum(monetary) as monetary,
        sum(margin) as margin,
        sum(realised_value) as realised_value,
        sum(customer_share) as customer_share,
        coalesce(sum(net_revenue_share), 1) as net_revenue_share
    from {{ ref(summary) }}
    group by as_of_date
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    summaries.*,
    history.customers as customers_expected
from history
left join summaries on history.as_of_date = summaries.as_of_date
where
    summaries.customers is distinct from history.customers
    or summaries.monetary is distinct from history.monetary
    or summaries.margin is distinct from history.margin
    or summaries.realised_value is distinct from history.realised_value
    or not coalesce(abs(summaries.customer_share - 1) < 1e-9, false)
    or not coalesce(abs(summaries.net_revenue_share - 1) < 1e-9, false)
