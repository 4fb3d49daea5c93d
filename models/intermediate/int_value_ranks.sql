{%- set is_forecast = var('abc_value') == 'lifetime_value' -%}
{%- set is_ranked = 'frequency > 0' if var('rfm_population') == 'active' else 'order_count > 0' -%}
with facts as (

    select
        as_of_date,
        case when {{ is_ranked }} then recency_days end as recency_days,
        case when {{ is_ranked }} then frequency end as frequency,
        case when {{ is_ranked }} then monetary end as monetary,
        {{ 'cast(null as numeric(18, 2)) as ranked_value' if is_forecast else 'ranked_value' }}
    from {{ ref('int_customer_facts') }}
    where order_count > 0
    {% if is_forecast -%}
    union all
    select
        as_of_date,
        null as recency_days,
        null as frequency,
        null as monetary,
        ranked_value
    from {{ ref('int_ranked_values') }}
    where as_of_date in (select slices.as_of_date from {{ ref('int_slices') }} as slices where slices.is_open)
    {% endif %}
),

-- one row per distinct value instead of one per customer: far fewer to rank, and equals stay together by construction
value_counts as (

    select
        as_of_date,
        case
            when grouping(recency_days) = 0 then 'recency'
            when grouping(frequency) = 0 then 'frequency'
            when grouping(monetary) = 0 then 'monetary'
            else 'ranked_value'
        end as measure,
        cast(coalesce(-recency_days, frequency, monetary, ranked_value) as numeric(18, 2)) as measured_value,
        cast(count(*) as integer) as customers
    from facts
    group by grouping sets ( -- noqa: PRS
        (as_of_date, recency_days),
        (as_of_date, frequency),
        (as_of_date, monetary),
        (as_of_date, ranked_value)
    )

)

-- values are summed where shares of them are asked for; elsewhere the sum would be work for nothing
{% for condition, value in {
    "measure <> 'ranked_value'": 'null',
    "measure = 'ranked_value'": 'sum(case when measured_value > 0 then measured_value * customers else 0 end) over (
        partition by as_of_date, measure order by measured_value asc rows between unbounded preceding and current row
    )',
}.items() -%}
select
    as_of_date,
    measure,
    measured_value,
    customers,
    cast(sum(customers) over (
        partition by as_of_date, measure order by measured_value asc rows between unbounded preceding and current row
    ) as integer) as customers_to_here,
    cast({{ value }} as numeric(24, 2)) as value_to_here
from value_counts
where {{ condition }} and measured_value is not null
{{ 'union all' if not loop.last }}
{% endfor %}
