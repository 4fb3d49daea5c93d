{{ config(materialized='view') }} -- read once, by tier_migrations
{%- set label_types = ['tier', 'rfm_segment', 'lifecycle_stage'] %}

with labelled as (

    select
        history.as_of_date,
        {% for label_type in label_types -%}
        case
            when history.opening_lifecycle_stage is null then 'not known'
            else coalesce(history.opening_{{ label_type }}, 'none')
        end as from_{{ label_type }},
        coalesce(history.{{ label_type }}, 'none') as to_{{ label_type }},
        {% endfor -%}
        coalesce(history.opening_net_revenue, 0) as opening_net_revenue,
        history.net_revenue,
        coalesce(history.opening_monetary, 0) as opening_monetary,
        history.monetary
    from {{ ref('customer_value_history') }} as history
    inner join {{ ref('int_migration_slices') }} as slices on history.as_of_date = slices.as_of_date

),

-- one pass over the history for all kinds of label
counted as (

    select
        as_of_date,
        {% for label_type in label_types -%}
        from_{{ label_type }},
        to_{{ label_type }},
        {% endfor -%}
        count(*) as customers,
        sum(opening_net_revenue) as opening_net_revenue,
        sum(net_revenue) as closing_net_revenue,
        sum(opening_monetary) as opening_monetary,
        sum(monetary) as closing_monetary
    from labelled
    group by
        {% for label_type in label_types -%}
        from_{{ label_type }},
        to_{{ label_type }},
        {% endfor -%}
        as_of_date

),

by_label_type as (

    {% for label_type in label_types -%}
    select
        as_of_date,
        '{{ label_type }}' as label_type,
        from_{{ label_type }} as from_label,
        to_{{ label_type }} as to_label,
        customers,
        opening_net_revenue,
        closing_net_revenue,
        opening_monetary,
        closing_monetary
    from counted
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

-- new and first-time buyers: the cause is behaviour
select
    as_of_date,
    label_type,
    from_label,
    to_label,
    case when from_label = to_label then 'none' else 'behaviour' end as cause,
    sum(customers) as customers,
    sum(opening_net_revenue) as opening_net_revenue,
    sum(closing_net_revenue) as closing_net_revenue,
    sum(opening_monetary) as opening_monetary,
    sum(closing_monetary) as closing_monetary
from by_label_type
where from_label = to_label or from_label in ('not known', 'none')
group by as_of_date, label_type, from_label, to_label
