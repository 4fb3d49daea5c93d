{%- set is_ranked = 'frequency > 0' if var('rfm_population') == 'active' else 'order_count > 0' -%}
with facts as (

    select
        as_of_date,
        case when {{ is_ranked }} then recency_days end as recency_days,
        case when {{ is_ranked }} then frequency end as frequency,
        case when {{ is_ranked }} then monetary end as monetary,
        ranked_value
    from {{ ref('int_customer_facts') }}
    where order_count > 0

),

-- one row per distinct value instead of one per customer: far fewer rows to rank, and equal values always stay together
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

select
    as_of_date,
    measure,
    measured_value,
    customers,
    cast(sum(customers) over (
        partition by as_of_date, measure order by measured_value asc rows between unbounded preceding and current row
    ) as integer) as customers_to_here,
    -- the sum is needed only where shares of it are
    cast(null as numeric(24, 2)) as value_to_here
from value_counts
where measure <> 'ranked_value' and measured_value is not null
union all
select
    as_of_date,
    measure,
    measured_value,
    customers,
    cast(sum(customers) over (
        partition by as_of_date, measure order by measured_value asc rows between unbounded preceding and current row
    ) as integer) as customers_to_here,
    cast(sum(case when measured_value > 0 then measured_value * customers else 0 end) over (
        partition by as_of_date, measure order by measured_value asc rows between unbounded preceding and current row
    ) as numeric(24, 2)) as value_to_here
from value_counts
where measure = 'ranked_value' and measured_value is not null
