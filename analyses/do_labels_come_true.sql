-- How many customers with a label bought again? Of CDNOW's 16,286 churned customers, 10.5 % did within 6 months; low
-- and high are the 95 % interval of that share; spend per customer was 5.88 (spent_each). Pooled over the month-ends of
-- the last two years whose outcome is known, var churn_horizon_months apart, so that no month counts twice. Labels are
-- from their own month-end. Before a company's past is long enough for a churn threshold, churned customers count as in
-- decline, which lowers the rate of decline. stage_state in tier_thresholds shows since when there is one. Run it with:
-- dbt show --select do_labels_come_true --limit 50
{%- set months = var('churn_horizon_months') %}
with truth as (

    select * from {{ ref('label_truth') }}
    where horizon_months = {{ months }}

),

origins as (

    select
        as_of_date,
        row_number() over (order by as_of_date desc) as months_back
    from (select distinct as_of_date from truth) as dates

),

pooled as (

    select
        truth.label_type,
        truth.label, -- noqa: RF04
        sum(truth.customers) as customers,
        sum(truth.returned_customers) as returned_customers,
        sum(truth.revenue) as revenue,
        max(truth.as_of_date) as last_origin
    from truth
    inner join origins on truth.as_of_date = origins.as_of_date
    where origins.months_back <= 24 and mod(origins.months_back - 1, {{ months }}) = 0
    group by truth.label_type, truth.label

)

select
    label_type,
    label, -- noqa: RF04
    customers,
    cast(100 * cast(returned_customers as {{ type_double() }}) / customers as numeric(5, 1)) as bought_again_percent,
    cast(100 * {{ wilson_interval('returned_customers', 'customers', 'low') }} as numeric(5, 1)) as low,
    cast(100 * {{ wilson_interval('returned_customers', 'customers', 'high') }} as numeric(5, 1)) as high,
    {{ mean_amount('revenue', 'customers') }} as spent_each,
    {{ months }} as within_months,
    last_origin
from pooled
order by label_type asc, bought_again_percent desc, label asc
