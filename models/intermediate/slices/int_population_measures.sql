{{ config(materialized='view') }} -- a few rows

with totals as (

    select * from {{ ref('int_customer_totals') }}
    where order_count > 0

),

slices as (

    select * from {{ ref('int_slices') }}
    where is_looked_at

),

-- added up by the distinct validity ranges, which are few, so that customers are not multiplied by their slices
by_range as (

    select
        valid_from,
        valid_to,
        sum(gap_days) as gap_days,
        sum(gap_count) as gap_count,
        sum(net_revenue) as net_revenue,
        sum(margin) as margin
    from totals
    group by valid_from, valid_to

)

-- no net revenue: the default rate, as for an unknown cost
select
    slices.as_of_date,
    cast(sum(by_range.gap_days) as {{ type_double() }})
    / nullif(cast(sum(by_range.gap_count) as {{ type_double() }}), 0) as population_mean_gap_days,
    case
        when sum(by_range.net_revenue) > 0
            then
                cast(sum(by_range.margin) as {{ type_double() }})
                / cast(sum(by_range.net_revenue) as {{ type_double() }})
        else cast({{ var('default_margin_rate') }} as {{ type_double() }})
    end as population_margin_rate
from slices
inner join by_range
    on
        slices.as_of_date >= by_range.valid_from
        and (by_range.valid_to is null or slices.as_of_date < by_range.valid_to)
group by slices.as_of_date
