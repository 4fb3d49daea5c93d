with rejected_rows as (

    select * from {{ ref('rejected_rows') }}

),

reasons as (

    select * from {{ ref('reject_reasons') }}

)

select
    rejected_rows.source_name,
    cast(reasons.reject_reason as {{ dbt.type_string() }}) as reject_reason,
    cast(reasons.severity as {{ dbt.type_string() }}) as severity,
    cast(count(*) as bigint) as row_count,
    cast(sum(rejected_rows.amount) as numeric(18, 2)) as amount,
    min(rejected_rows.first_seen_on) as first_seen_on,
    cast(reasons.description as {{ dbt.type_string() }}) as description,
    cast(reasons.remedy as {{ dbt.type_string() }}) as remedy
from rejected_rows
inner join reasons
    on
        {{ dbt.concat(["','", 'rejected_rows.reject_reasons', "','"]) }}
        like {{ dbt.concat(["'%,'", 'reasons.reject_reason', "',%'"]) }}
group by
    rejected_rows.source_name, reasons.reject_reason, reasons.severity, reasons.description, reasons.remedy
