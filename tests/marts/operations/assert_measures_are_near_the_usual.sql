-- ring 3: measures that deviate too much from the last published ones are reported, and stop nothing
{{ config(severity='warn') }}
select * from {{ ref('int_run_anomalies') }}
where severity in ('report', 'stop')
