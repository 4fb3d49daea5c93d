-- ring 3 of tier_migrations: for each kind of label, label and period, all moves from the label add up to the label at
-- the month-end before, and all moves to it add up to the label now, in customers and in money. So opening + entries -
-- exits = closing. Restatements lead from the opening as shown to the opening as it is now, and are left out here.
{%- set label_types = ['tier', 'rfm_segment', 'lifecycle_stage'] %}
with history as (

    select * from {{ ref('customer_value_history') }}

),

slices as (

    select * from {{ ref('int_slices') }}

),

migrations as (

    select * from {{ ref('tier_migrations') }}
    where cause <> 'restatement'

),

standing as (

    {% for label_type in label_types -%}
    select
        as_of_date,
        '{{ label_type }}' as label_type,
        coalesce({{ label_type }}, 'none') as label_name,
        count(*) as customers,
        sum(net_revenue) as net_revenue,
        sum(monetary) as monetary
    from history
    group by as_of_date, coalesce({{ label_type }}, 'none')
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

departed as (

    select
        opening_date as as_of_date,
        label_type,
        from_label as label_name,
        sum(customers) as customers,
        sum(opening_net_revenue) as net_revenue,
        sum(opening_monetary) as monetary
    from migrations
    where from_label <> 'not known'
    group by opening_date, label_type, from_label

),

arrived as (

    select
        as_of_date,
        label_type,
        to_label as label_name,
        sum(customers) as customers,
        sum(closing_net_revenue) as net_revenue,
        sum(closing_monetary) as monetary
    from migrations
    group by as_of_date, label_type, to_label

),

-- the last date is no opening yet
opening_dates as (

    select distinct opening_date from slices

),

openings as (

    select standing.*
    from standing
    inner join opening_dates on standing.as_of_date = opening_dates.opening_date

)

{% for expected, actual in {'openings': 'departed', 'standing': 'arrived'}.items() -%}
select
    coalesce({{ expected }}.as_of_date, {{ actual }}.as_of_date) as as_of_date,
    coalesce({{ expected }}.label_type, {{ actual }}.label_type) as label_type,
    coalesce({{ expected }}.label_name, {{ actual }}.label_name) as label_name,
    '{{ actual }}' as problem
from {{ expected }}
full outer join {{ actual }}
    on
        {{ expected }}.as_of_date = {{ actual }}.as_of_date
        and {{ expected }}.label_type = {{ actual }}.label_type
        and {{ expected }}.label_name = {{ actual }}.label_name
where
    {{ expected }}.customers is distinct from {{ actual }}.customers
    or {{ expected }}.net_revenue is distinct from {{ actual }}.net_revenue
    or {{ expected }}.monetary is distinct from {{ actual }}.monetary
{{ 'union all' if not loop.last }}
{% endfor %}
