-- ring 3: no measure of this build is so far off the last published ones that nobody should see it before a look
select * from {{ ref('int_run_anomalies') }}
where severity = 'stop' and not {{ var('anomalies_accepted') | lower }}
