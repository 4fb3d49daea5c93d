{%- set built = built_relations(['customer_value_history']) -%}
with slices as (

    select * from {{ ref('int_slices') }}

),

first_open as (

    select min(as_of_date) as as_of_date from slices
    where is_open

),

closed_month_ends as (

    select
        slices.as_of_date,
        row_number() over (order by slices.as_of_date desc) as months_back
    from slices
    inner join first_open on slices.as_of_date < first_open.as_of_date
    where slices.is_month_end

),

history as (

    {% if built -%}
    select
        as_of_date,
        customer_id,
        tier,
        raw_tier,
        rfm_segment,
        lifecycle_stage,
        net_revenue,
        monetary
    from {{ built[0] }}
    {%- else -%}
    select
        cast(null as date) as as_of_date,
        {% for column in ['customer_id', 'tier', 'raw_tier', 'rfm_segment', 'lifecycle_stage'] -%}
        cast(null as {{ dbt.type_string() }}) as {{ column }},
        {% endfor -%}
        cast(null as numeric(18, 2)) as net_revenue,
        cast(null as numeric(18, 2)) as monetary
    where 1 = 0
    {%- endif %}

)

-- as far back as the published tier of the first open slice and its opening look
select history.*
from history
inner join closed_month_ends on history.as_of_date = closed_month_ends.as_of_date
where closed_month_ends.months_back <= {{ var('demotion_patience') }}
