with labels as (

    select * from {{ ref('display_labels') }}

),

-- a segment that the company added or renamed has its own name for a label until display_labels has one
segments as (

    select distinct rfm_segments.rfm_segment
    from {{ ref('rfm_segments') }} as rfm_segments
    left join labels on labels.kind = 'rfm_segment' and rfm_segments.rfm_segment = labels.code
    where labels.code is null

),

-- what a picture has to say of the numbers in it
settings as (

    select
        'setting' as kind,
        'reporting_currency' as code,
        '{{ var('reporting_currency') }}' as label, -- noqa: RF04
        1 as position -- noqa: RF04
    union all
    select
        'setting' as kind,
        'window_months' as code,
        '{{ var('window_months') }}' as label, -- noqa: RF04
        2 as position -- noqa: RF04

),

combined as (

    select
        kind,
        code,
        label, -- noqa: RF04
        position -- noqa: RF04
    from labels
    union all
    select
        'rfm_segment' as kind,
        rfm_segment as code,
        rfm_segment as label, -- noqa: RF04
        100 as position -- noqa: RF04
    from segments
    union all
    select
        kind,
        code,
        label, -- noqa: RF04
        position -- noqa: RF04
    from settings

)

select
    cast(kind as {{ dbt.type_string() }}) as kind,
    cast(code as {{ dbt.type_string() }}) as code,
    cast(label as {{ dbt.type_string() }}) as label, -- noqa: RF04
    cast(position as integer) as position -- noqa: RF04
from combined
