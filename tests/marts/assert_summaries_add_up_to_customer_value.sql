-- ring 3: each summary holds every customer and every cent once, and its shares sum to 1
with customer_value as (

    select
        as_of_date,
        count(*) as customers,
        sum(monetary) as monetary,
        sum(margin) as margin,
        sum(realised_value) as realised_value
    from {{ ref('customer_value') }}
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
    customer_value.customers as customers_expected
from customer_value
left join summaries on customer_value.as_of_date = summaries.as_of_date
where
    summaries.customers is distinct from customer_value.customers
    or summaries.monetary is distinct from customer_value.monetary
    or summaries.margin is distinct from customer_value.margin
    or summaries.realised_value is distinct from customer_value.realised_value
    or not coalesce(abs(summaries.customer_share - 1) < 1e-9, false)
    or not coalesce(abs(summaries.net_revenue_share - 1) < 1e-9, false)
