with ranges as (

    select * from {{ ref('int_tier_ranges') }}
    where tier_kind = 'published'

)

select
    customer_id,
    cast(tier as {{ dbt.type_string() }}) as tier,
    valid_from,
    valid_to,
    cast(tier_before as {{ dbt.type_string() }}) as tier_before,
    valid_to is null as is_current
from ranges
