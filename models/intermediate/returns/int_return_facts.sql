{#- bins of the overdue ratio; the last bin has no upper end #}
{%- set bins_per_ratio = var('return_bins_per_ratio') %}
{%- set last_bin = var('return_max_ratio') * bins_per_ratio %}

with totals as (

    select * from {{ ref('int_customer_totals') }}
    where order_count > 0

),

slices as (

    select * from {{ ref('int_slices') }}
    where is_held_for_returns

),

population as (

    select * from {{ ref('int_population_measures') }}

),

-- as in int_customer_facts: joined by the distinct validity ranges, which are few
ranges as (

    select distinct
        valid_from,
        coalesce(valid_to, cast('9999-12-31' as date)) as valid_to
    from totals

),

range_slices as (

    select
        ranges.valid_from,
        ranges.valid_to,
        slices.as_of_date,
        population.population_mean_gap_days
    from ranges
    inner join slices on ranges.valid_from <= slices.as_of_date and ranges.valid_to > slices.as_of_date
    left join population on slices.as_of_date = population.as_of_date

),

facts as (

    select
        slices.as_of_date,
        totals.customer_id,
        totals.order_count,
        totals.purchase_days,
        totals.monetary,
        totals.previous_monetary,
        totals.net_revenue,
        cast(
            {{ dbt.datediff('totals.last_order_date', 'slices.as_of_date', 'day') }} as integer -- noqa: LT05
        ) / {{ expected_gap(
            'totals.gap_days', 'totals.gap_count', 'slices.population_mean_gap_days', var('expected_gap_prior_weight')
        ) }} as overdue_ratio
    from totals
    inner join range_slices as slices
        on
            totals.valid_from = slices.valid_from
            and coalesce(totals.valid_to, cast('9999-12-31' as date)) = slices.valid_to

)

select
    as_of_date,
    customer_id,
    purchase_days,
    net_revenue,
    cast(
        case
            when overdue_ratio >= {{ var('return_max_ratio') }} then {{ last_bin }}
            else floor(overdue_ratio * {{ bins_per_ratio }})
        end as integer
    ) as ratio_bin,
    case
        when previous_monetary > 0 and monetary < {{ var('decline_revenue_ratio') }} * previous_monetary then 'fallen'
        when order_count >= {{ var('stability_min_orders') }} then 'stable'
        else 'young'
    end as revenue_course
from facts
