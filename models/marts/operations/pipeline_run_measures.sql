-- all columns of the source; scripts/customer_value/refresh/run_records.py writes them
with run_measures as (

    select * from {{ recorded('run_measures') }} as recorded_run_measures

)

select
    run_id,
    measure,
    subject,
    measured,
    usual,
    deviation,
    severity
from run_measures
