with measured as (

    select * from {{ ref('int_run_measures') }}

),

usual as (

    select * from {{ ref('int_usual_measures') }}

),

-- a usual measure that is missing from this build counts as 0
compared as (

    select
        coalesce(measured.measure, usual.measure) as measure,
        coalesce(measured.subject, usual.subject) as subject,
        coalesce(measured.measured, 0) as measured,
        usual.usual
    from measured
    full outer join usual on measured.measure = usual.measure and measured.subject = usual.subject

),

changed as (

    select
        *,
        case
            when measure in ('reject_share', 'tier_share') then measured - usual
            when measured = usual then 0
            else measured / nullif(usual, 0) - 1
        end as deviation
    from compared

)

select
    cast(measure as {{ dbt.type_string() }}) as measure,
    cast(subject as {{ dbt.type_string() }}) as subject,
    cast(measured as {{ type_double() }}) as measured,
    cast(usual as {{ type_double() }}) as usual,
    cast(deviation as {{ type_double() }}) as deviation,
    cast(case
        when usual is null then null
        {% for measure, limits in var('anomaly_thresholds').items() -%}
        when measure = '{{ measure }}' and abs(coalesce(deviation, {{ limits[0] }})) >= {{ limits[1] }} then 'stop'
        when measure = '{{ measure }}' and abs(coalesce(deviation, {{ limits[0] }})) >= {{ limits[0] }} then 'report'
        {% endfor -%}
        else 'ok'
    end as {{ dbt.type_string() }}) as severity
from changed
