{{ config(materialized='view') }} -- written down once, in customer_value_history

with totals as (

    select * from {{ ref('int_customer_totals') }}

),

slices as (

    select * from {{ ref('int_slices') }}
    where is_open

),

-- totals hold until the next change: a row for each slice until then, by way of the few spans that there are
spans as (

    select distinct
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from totals

),

span_slices as (

    select
        spans.valid_from,
        spans.valid_to,
        slices.*
    from spans
    inner join slices on spans.valid_from <= slices.as_of_date and spans.valid_to > slices.as_of_date

)

select
    slices.as_of_date,
    totals.customer_id,
    totals.first_order_date,
    totals.last_order_date,
    totals.last_activity_date,
    cast(
        {{ dbt.datediff('totals.last_order_date', 'slices.as_of_date', 'day') }} as integer -- noqa: LT05
    ) as recency_days,
    totals.order_count,
    totals.purchase_days,
    totals.gap_count,
    totals.gap_days,
    totals.frequency,
    totals.monetary,
    totals.previous_monetary,
    totals.net_revenue,
    totals.repeat_net_revenue,
    totals.window_margin,
    totals.margin,
    totals.ranked_value,
    totals.held_from,
    totals.margin_is_estimated = 1 as margin_is_estimated,
    totals.realised_value,
    totals.acquisition_cost,

    -- what held at the slices before; one that is so many slices back lies at most as many stretches back
    {% for back in range(1, var('demotion_patience') + 1) -%}
    {% for column in looked_back_columns(back) if column != 'last_order_date' -%}
    case
        when slices.back_{{ back }}_date >= totals.valid_from then totals.{{ column }}
        {% for stretch in range(1, back) -%}
        when slices.back_{{ back }}_date >= totals.valid_from_{{ stretch }} then totals.{{ column }}_{{ stretch }}
        {% endfor -%}
        else totals.{{ column }}_{{ back }}
    end as back_{{ back }}_{{ column }},
    {% endfor -%}
    {% endfor -%}
    cast({{ dbt.datediff(
        'case when slices.opening_date >= totals.valid_from then totals.last_order_date else totals.last_order_date_1 end',
        'slices.opening_date', 'day'
    ) }} as integer) as back_1_recency_days,
    slices.slice_version
from totals
inner join span_slices as slices
    on
        totals.valid_from = slices.valid_from
        and coalesce(totals.valid_to, cast('9999-12-31' as date)) = slices.valid_to
