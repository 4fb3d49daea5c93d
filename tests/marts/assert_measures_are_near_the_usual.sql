-- ring 3: measures that are off the last published ones by more than usual are reported, and stop nothing
{{ config(severity='warn') }}
select * from {{ ref('int_run_anomalies') }}
where severity in ('report', 'stop')
