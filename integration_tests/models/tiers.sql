select
    tier,
    count(*) as customers
from {{ ref('customer_value_warehouse', 'customer_value') }}
group by tier
