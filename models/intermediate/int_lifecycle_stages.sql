with facts as (

    select * from {{ ref('int_customer_facts') }}

),

populations as (

    select
        as_of_date,
        cast(sum(gap_days) as {{ type_double() }}) / nullif(sum(gap_count), 0) as population_mean_gap
    from facts
    group by as_of_date

),

gaps as (

    select
        facts.as_of_date,
        facts.customer_id,
        facts.order_count,
        facts.recency_days,
        facts.monetary,
        facts.previous_monetary,
        case
            when facts.order_count > 0
                then {{ expected_gap(
                    'facts.gap_days', 'facts.gap_count', 'populations.population_mean_gap',
                    var('expected_gap_prior_weight')
                ) }}
        end as expected_gap_days
    from facts
    inner join populations on facts.as_of_date = populations.as_of_date

),

overdue as (

    select
        *,
        recency_days / expected_gap_days as overdue_ratio
    from gaps

)

select
    as_of_date,
    customer_id,
    expected_gap_days,
    overdue_ratio,
    {{ lifecycle_stage(
        'order_count', 'recency_days', 'overdue_ratio', 'monetary', 'previous_monetary',
        var('churned_overdue_ratio'), var('churned_min_recency_days'),
        var('decline_overdue_ratio'), var('decline_revenue_ratio'),
        var('stability_min_orders'), var('formation_min_orders')
    ) }} as lifecycle_stage
from overdue
