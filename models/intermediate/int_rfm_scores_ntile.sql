{{ config(materialized="view") }} -- only the method that the var chooses is worth its rows

with facts as (

    select * from {{ ref('int_customer_facts') }}
    where order_count > 0

)

select
    as_of_date,
    customer_id,
    {{ ntile_score('-recency_days', 'customer_id', 'as_of_date') }} as recency_score,
    {{ ntile_score('frequency', 'customer_id', 'as_of_date') }} as frequency_score,
    {{ ntile_score('monetary', 'customer_id', 'as_of_date') }} as monetary_score
from facts
