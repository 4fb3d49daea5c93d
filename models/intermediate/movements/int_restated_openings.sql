{{ config(materialized='view') }} -- read once, by tier_migrations
{%- set label_types = ['tier', 'rfm_segment', 'lifecycle_stage'] %}

with restatements as (

    select * from {{ ref('restatements') }}
    where shown_slice_version like '%/{{ definitions_key() }}/%'

),

history as (

    select * from {{ ref('customer_value_history') }}

),

-- the values shown before the first restatement are those that the company reported
first_numbers as (

    select
        as_of_date,
        customer_id,
        min(restatement_number) as restatement_number
    from restatements
    group by as_of_date, customer_id

),

openings as (

    select
        slices.as_of_date,
        {% for label_type in label_types -%}
        case
            when restatements.shown_lifecycle_stage is null
                then 'not known'
            else coalesce(restatements.shown_{{ label_type }}, 'none')
        end as shown_{{ label_type }},
        case
            when history.lifecycle_stage is null
                then 'not known'
            else coalesce(history.{{ label_type }}, 'none')
        end as {{ label_type }},
        {% endfor -%}
        coalesce(restatements.shown_net_revenue, 0) as shown_net_revenue,
        coalesce(history.net_revenue, 0) as net_revenue,
        coalesce(restatements.shown_monetary, 0) as shown_monetary,
        coalesce(history.monetary, 0) as monetary
    from {{ ref('int_migration_slices') }} as slices
    inner join first_numbers on slices.opening_date = first_numbers.as_of_date
    inner join restatements
        on
            first_numbers.as_of_date = restatements.as_of_date
            and first_numbers.customer_id = restatements.customer_id
            and first_numbers.restatement_number = restatements.restatement_number
    left join history
        on
            first_numbers.as_of_date = history.as_of_date
            and first_numbers.customer_id = history.customer_id

),

by_label_type as (

    {% for label_type in label_types -%}
    select
        as_of_date,
        '{{ label_type }}' as label_type,
        shown_{{ label_type }} as from_label,
        {{ label_type }} as to_label,
        shown_net_revenue,
        net_revenue,
        shown_monetary,
        monetary
    from openings
    where
        shown_{{ label_type }} <> {{ label_type }}
        or shown_net_revenue <> net_revenue
        or shown_monetary <> monetary
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    as_of_date,
    label_type,
    from_label,
    to_label,
    'restatement' as cause,
    count(*) as customers,
    cast(sum(shown_net_revenue) as numeric(18, 2)) as opening_net_revenue,
    cast(sum(net_revenue) as numeric(18, 2)) as closing_net_revenue,
    cast(sum(shown_monetary) as numeric(18, 2)) as opening_monetary,
    cast(sum(monetary) as numeric(18, 2)) as closing_monetary
from by_label_type
group by as_of_date, label_type, from_label, to_label
