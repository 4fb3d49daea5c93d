with rejected_rows as (

    select * from {{ ref('int_rejected_rows') }}

),

first_seen as (

    select * from {{ ref('int_first_seen_rejects') }}

)

select
    rejected_rows.rejected_row_id,
    cast(rejected_rows.source_name as {{ dbt.type_string() }}) as source_name,
    rejected_rows.row_key,
    cast(rejected_rows.reject_reasons as {{ dbt.type_string() }}) as reject_reasons,
    cast(rejected_rows.amount as numeric(18, 2)) as amount,
    cast(rejected_rows.raw_row as {{ dbt.type_string() }}) as raw_row,
    first_seen.first_seen_on
from rejected_rows
left join first_seen on rejected_rows.rejected_row_id = first_seen.rejected_row_id
