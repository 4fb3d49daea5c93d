with customer_value as (

    select * from {{ ref('customer_value') }}

),

-- customers without an order have no tier; they are counted under a name of their own
labelled as (

    select
        as_of_date,
        coalesce(tier, 'none') as tier,
        monetary,
        net_revenue,
        margin,
        realised_value
    from customer_value

)

select
    as_of_date,
    tier,
    {{ portfolio_measures() }}
from labelled
group by as_of_date, tier
