-- all columns of the source; scripts/customer_value/refresh/run_records.py writes them
with run_nodes as (

    select * from {{ recorded('run_nodes') }} as recorded_run_nodes

)

select
    run_id,
    node_id,
    node_type,
    node_name,
    status,
    seconds,
    row_count,
    failures
from run_nodes
