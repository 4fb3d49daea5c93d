with runs as (

    select * from {{ recorded('runs') }} as recorded_runs

),

run_measures as (

    select * from {{ recorded('run_measures') }} as recorded_measures

),

-- A version does not count if the last rollback that concerned it went back to an earlier version. Versions rise, so a
-- later run with an equal or smaller version is a rollback.
kept as (

    select runs.run_id
    from runs
    left join runs as rollbacks on runs.run_id < rollbacks.run_id and runs.version >= rollbacks.version
    where runs.outcome = 'published'
    group by runs.run_id
    having
        coalesce(max(case when rollbacks.version < runs.version then rollbacks.run_id end), 0)
        <= coalesce(max(case when rollbacks.version = runs.version then rollbacks.run_id end), 0)

),

-- a run that was published although a measure would have stopped it was accepted: earlier runs do not count any more
accepted as (

    select coalesce(max(run_measures.run_id), 0) as run_id
    from run_measures
    inner join kept on run_measures.run_id = kept.run_id
    where run_measures.severity = 'stop'

),

last_runs as (

    select run_id
    from (
        select
            kept.run_id,
            row_number() over (order by kept.run_id desc) as place
        from kept
        inner join accepted on kept.run_id >= accepted.run_id
    ) as published
    where place <= {{ var('anomaly_runs') }}

),

ranked as (

    select
        run_measures.measure,
        run_measures.subject,
        run_measures.measured,
        row_number() over (
            partition by run_measures.measure, run_measures.subject order by run_measures.measured
        ) as place,
        count(*) over (partition by run_measures.measure, run_measures.subject) as past_runs
    from run_measures
    inner join last_runs on run_measures.run_id = last_runs.run_id

)

-- the median: the middle one, or the mean of the middle two
select
    cast(measure as {{ dbt.type_string() }}) as measure,
    cast(subject as {{ dbt.type_string() }}) as subject,
    cast(avg(measured) as {{ type_double() }}) as usual
from ranked
where
    past_runs >= {{ var('anomaly_min_runs') }}
    and 2 * place between past_runs and past_runs + 2
group by measure, subject
