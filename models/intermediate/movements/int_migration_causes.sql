{{ config(materialized='view') }} -- read once, by tier_migrations
{%- set label_types = ['tier', 'rfm_segment', 'lifecycle_stage'] %}

with migrations as (

    select * from {{ ref('int_customer_migrations') }}

),

by_label_type as (

    {% for label_type in label_types -%}
    select
        as_of_date,
        '{{ label_type }}' as label_type,
        opening_{{ label_type }} as from_label,
        {{ label_type }} as to_label,
        {{ label_type }}_cause as cause,
        opening_net_revenue,
        net_revenue,
        opening_monetary,
        monetary
    from migrations
    where {{ label_type }}_cause <> 'none' and opening_{{ label_type }} is not null
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    as_of_date,
    label_type,
    from_label,
    to_label,
    cause,
    count(*) as customers,
    sum(opening_net_revenue) as opening_net_revenue,
    sum(net_revenue) as closing_net_revenue,
    sum(opening_monetary) as opening_monetary,
    sum(monetary) as closing_monetary
from by_label_type
group by as_of_date, label_type, from_label, to_label, cause
