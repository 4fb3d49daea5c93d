{{ config(materialized='view') }} -- written down once, in customer_value_history

with totals as (

    select
        *,
        coalesce(valid_to, cast('9999-12-31' as date)) as range_ends_on
    from {{ ref('int_customer_totals') }}

),

slices as (

    select * from {{ ref('int_slices') }}
    where is_open

),

-- totals are valid until the next change: a row for each slice until then, joined by the distinct validity ranges,
-- which are few
range_slices as (

    select
        ranges.valid_from as starts_on,
        ranges.range_ends_on as ends_on,
        slices.*,
        coalesce(slices.opening_date >= ranges.valid_from, false) as is_opening_in_range
    from (select distinct valid_from, range_ends_on from totals) as ranges -- noqa: LT09
    inner join slices on ranges.valid_from <= slices.as_of_date and ranges.range_ends_on > slices.as_of_date

),

facts as (

    select
        totals.*,
        slices.*
    from totals
    inner join range_slices as slices
        on totals.valid_from = slices.starts_on and totals.range_ends_on = slices.ends_on

)

select
    as_of_date,
    customer_id,
    first_order_date,
    last_order_date,
    last_activity_date,
    cast({{ dbt.datediff('last_order_date', 'as_of_date', 'day') }} as integer) as recency_days, -- noqa: LT05
    cast({{ dbt.datediff('first_order_date', 'as_of_date', 'day') }} as integer) as age_days, -- noqa: LT05
    order_count,
    purchase_days,
    gap_count,
    gap_days,
    frequency,
    monetary,
    previous_monetary,
    net_revenue,
    repeat_net_revenue,
    window_margin,
    margin,
    ranked_value,
    held_from,
    margin_is_estimated = 1 as margin_is_estimated,
    realised_value,
    acquisition_cost,

    -- at the opening, at most one validity range back
    opening_date,
    case when is_opening_in_range then order_count else order_count_1 end as opening_order_count,
    case when is_opening_in_range then gap_count else gap_count_1 end as opening_gap_count,
    case when is_opening_in_range then gap_days else gap_days_1 end as opening_gap_days,
    case when is_opening_in_range then frequency else frequency_1 end as opening_frequency,
    case when is_opening_in_range then monetary else monetary_1 end as opening_monetary,
    case when is_opening_in_range then previous_monetary else previous_monetary_1 end as opening_previous_monetary,
    case when is_opening_in_range then net_revenue else net_revenue_1 end as opening_net_revenue,
    case when is_opening_in_range then ranked_value else ranked_value_1 end as opening_ranked_value,
    case when is_opening_in_range then held_from else held_from_1 end as opening_held_from,
    cast({{ dbt.datediff(
        'case when is_opening_in_range then last_order_date else last_order_date_1 end', 'opening_date', 'day'
    ) }} as integer) as opening_recency_days,

    -- at earlier as-of dates: a date n slices back is at most n validity ranges back
    {% for back in range(2, var('demotion_patience') + 1) -%}
    back_{{ back }}_date,
    {% for column in ['frequency', 'ranked_value', 'held_from'] -%}
    case
        when back_{{ back }}_date >= valid_from then {{ column }}
        {% for ranges_back in range(1, back) -%}
        when back_{{ back }}_date >= valid_from_{{ ranges_back }} then {{ column }}_{{ ranges_back }}
        {% endfor -%}
        else {{ column }}_{{ back }}
    end as back_{{ back }}_{{ column }},
    {% endfor -%}
    {% endfor -%}
    is_month_end,
    slice_version
from facts
