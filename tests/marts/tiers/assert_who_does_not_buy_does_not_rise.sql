-- ring 3 of scores and raw tier with var rfm_population active: a customer without a purchase in the window has no
-- higher score and no higher raw tier than at the as-of date before, and with scores by rank the lowest segment, that
-- of 1, 1, 1. With a value to date, the cause of a published tier that rises is never ageing: only a threshold can
-- raise the tier of a customer who did nothing.
{{ config(enabled=var('rfm_population') == 'active') }}
with history as (

    select * from {{ ref('customer_value_history') }}
    where order_count > 0

),

dates as (

    select
        as_of_date,
        opening_date
    from {{ ref('int_as_of_dates') }}

),

lowest as (

    select rfm_segment
    from {{ ref('rfm_segments') }}
    where recency_score = 1 and frequency_score = 1 and monetary_score = 1

),

dormant as (

    select
        history.*,
        dates.opening_date
    from history
    inner join dates on history.as_of_date = dates.as_of_date
    where history.frequency = 0

)

select
    dormant.as_of_date,
    dormant.customer_id,
    'a score or the raw tier rose' as problem
from dormant
inner join history as opening
    on
        dormant.opening_date = opening.as_of_date
        and dormant.customer_id = opening.customer_id
where
    dormant.raw_tier < opening.raw_tier
    {% for measure in ['recency', 'frequency', 'monetary'] -%}
    or dormant.{{ measure }}_score > opening.{{ measure }}_score
    {% endfor -%}
{% if var('rfm_method') != 'cutoffs' -%}
union all
select
    dormant.as_of_date,
    dormant.customer_id,
    'it is not in the lowest segment' as problem
from dormant
left join lowest on dormant.rfm_segment = lowest.rfm_segment
where lowest.rfm_segment is null
{% endif -%}
{% if var('abc_value') in ['revenue', 'margin'] -%}
union all
select
    as_of_date,
    cast(null as {{ dbt.type_string() }}) as customer_id,
    'a tier rose by age' as problem
from {{ ref('tier_migrations') }}
where label_type = 'tier' and cause = 'ageing' and to_label < from_label
{% endif -%}
