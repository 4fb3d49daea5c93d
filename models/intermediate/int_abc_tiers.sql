with facts as (

    select * from {{ ref('int_customer_facts') }}
    where order_count > 0

),

customer_values as (

    select
        as_of_date,
        customer_id,
        {{ 'net_revenue' if var('abc_value') == 'revenue' else 'margin' }} as ranked_value
    from facts

),

-- cumulated over distinct values, so that equals share a tier and no window spans all customers
distinct_values as (

    select
        as_of_date,
        ranked_value,
        case when ranked_value > 0 then ranked_value * count(*) else 0 end as positive_value
    from customer_values
    group by as_of_date, ranked_value

),

cumulated as (

    select
        as_of_date,
        ranked_value,
        coalesce(sum(positive_value) over (
            partition by as_of_date order by ranked_value desc
            rows between unbounded preceding and 1 preceding
        ), 0) as value_ahead,
        sum(positive_value) over (partition by as_of_date) as total_positive_value
    from distinct_values

),

shares as (

    select
        as_of_date,
        ranked_value,
        {{ abc_cumulative_share('value_ahead', 'total_positive_value') }} as cumulative_share
    from cumulated

)

select
    customer_values.as_of_date,
    customer_values.customer_id,
    customer_values.ranked_value,
    shares.cumulative_share,
    {{ abc_tier(
        'customer_values.ranked_value', 'shares.cumulative_share', var('abc_cutoff_a'), var('abc_cutoff_b')
    ) }} as abc_tier
from customer_values
inner join shares
    on
        customer_values.as_of_date = shares.as_of_date
        and customer_values.ranked_value = shares.ranked_value
