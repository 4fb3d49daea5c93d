with history as (

    select * from {{ ref('customer_value_history') }}

),

latest as (

    select max(as_of_date) as as_of_date from {{ ref('int_slices') }}

)

select history.*
from history
inner join latest on history.as_of_date = latest.as_of_date
