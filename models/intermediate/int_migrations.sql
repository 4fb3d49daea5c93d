{{ config(materialized='view') }} -- read once, by tier_migrations
{%- set label_types = ['tier', 'rfm_segment', 'lifecycle_stage'] %}

with slices as (

    select * from {{ ref('int_migration_slices') }}

),

history as (

    select * from {{ ref('customer_value_history') }}

),

moves as (

    select * from {{ ref('int_customer_moves') }}

),

-- everybody, with a name for having no label; one pass counts all three kinds of label
labelled as (

    select
        history.as_of_date,
        {% for label_type in label_types -%}
        case
            when history.opening_lifecycle_stage is null
                then 'not known'
            else coalesce(history.opening_{{ label_type }}, 'none')
        end as opening_{{ label_type }},
        coalesce(history.{{ label_type }}, 'none') as {{ label_type }},
        {% endfor -%}
        coalesce(history.opening_net_revenue, 0) as opening_net_revenue,
        history.net_revenue,
        coalesce(history.opening_monetary, 0) as opening_monetary,
        history.monetary
    from history
    inner join slices on history.as_of_date = slices.as_of_date

),

pairs as (

    select
        as_of_date,
        case
            {% for label_type in label_types -%}
            when grouping({{ label_type }}) = 0 then '{{ label_type }}'
            {% endfor -%}
        end as label_type,
        coalesce(opening_tier, opening_rfm_segment, opening_lifecycle_stage) as from_label,
        coalesce(tier, rfm_segment, lifecycle_stage) as to_label,
        count(*) as customers,
        sum(opening_net_revenue) as opening_net_revenue,
        sum(net_revenue) as closing_net_revenue,
        sum(opening_monetary) as opening_monetary,
        sum(monetary) as closing_monetary
    from labelled
    group by grouping sets ( -- noqa: PRS
        {% for label_type in label_types -%}
        (as_of_date, opening_{{ label_type }}, {{ label_type }}){{ ',' if not loop.last }}
        {% endfor -%}
    )

),

causes as (

    select
        as_of_date,
        case
            {% for label_type in label_types -%}
            when grouping({{ label_type }}) = 0 then '{{ label_type }}'
            {% endfor -%}
        end as label_type,
        coalesce(opening_tier, opening_rfm_segment, opening_lifecycle_stage) as from_label,
        coalesce(tier, rfm_segment, lifecycle_stage) as to_label,
        coalesce(tier_cause, rfm_segment_cause, lifecycle_stage_cause) as cause,
        count(*) as customers,
        sum(opening_net_revenue) as opening_net_revenue,
        sum(net_revenue) as closing_net_revenue,
        sum(opening_monetary) as opening_monetary,
        sum(monetary) as closing_monetary
    from moves
    group by grouping sets ( -- noqa: PRS
        {% for label_type in label_types -%}
        (as_of_date, opening_{{ label_type }}, {{ label_type }}, {{ label_type }}_cause){{ ',' if not loop.last }}
        {% endfor -%}
    )

)

-- who came, or ordered for the first time, moved by that
select
    as_of_date,
    label_type,
    from_label,
    to_label,
    case when from_label = to_label then 'none' else 'behaviour' end as cause,
    customers,
    opening_net_revenue,
    closing_net_revenue,
    opening_monetary,
    closing_monetary
from pairs
where from_label = to_label or from_label in ('not known', 'none')
union all
select
    as_of_date,
    label_type,
    from_label,
    to_label,
    cause,
    customers,
    opening_net_revenue,
    closing_net_revenue,
    opening_monetary,
    closing_monetary
from causes
where cause <> 'none' and from_label is not null
