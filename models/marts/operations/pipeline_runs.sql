-- all columns of the source; scripts/customer_value/refresh/run_records.py writes them
with runs as (

    select * from {{ recorded('runs') }} as recorded_runs

)

select
    run_id,
    started_at,
    finished_at,
    outcome,
    step,
    message,
    version,
    as_of_date,
    data_origin,
    invocation_id,
    git_revision,
    load_seconds,
    arrival_seconds,
    build_seconds,
    publish_seconds,
    checks,
    checks_failed,
    checks_warned
from runs
