select
    tier,
    count(*) as customers
from {{ ref('customer_value') }}
group by tier
