with customer_value as (

    select * from {{ ref('customer_value') }}

),

reconciliation as (

    select * from {{ ref('reconciliation') }}

),

reject_summary as (

    select * from {{ ref('reject_summary') }}

),

customers as (

    select count(*) as total from customer_value

),

measured as (

    {% for mart in ['customers', 'orders', 'customer_value', 'customer_value_history'] -%}
    select
        'row_count' as measure,
        '{{ mart }}' as subject,
        cast(count(*) as {{ type_double() }}) as measured
    from {{ ref(mart) }}
    union all
    {% endfor -%}
    select
        'net_revenue' as measure,
        'all' as subject,
        cast(coalesce(sum(net_revenue), 0) as {{ type_double() }}) as measured
    from customer_value
    union all
    select
        'reject_share' as measure,
        source_name as subject,
        coalesce(cast(rejected as {{ type_double() }}) / nullif(cast(raw as {{ type_double() }}), 0), 0) as measured
    from reconciliation
    where measure = 'row_count'
    union all
    select
        'tier_share' as measure,
        coalesce(customer_value.tier, 'none') as subject,
        cast(count(*) as {{ type_double() }}) / cast(max(customers.total) as {{ type_double() }}) as measured
    from customer_value
    cross join customers
    group by coalesce(customer_value.tier, 'none')
    union all
    select
        'rejected_rows' as measure,
        {{ dbt.concat(['source_name', "'.'", 'reject_reason']) }} as subject,
        cast(row_count as {{ type_double() }}) as measured
    from reject_summary

)

select
    cast(measure as {{ dbt.type_string() }}) as measure,
    cast(subject as {{ dbt.type_string() }}) as subject,
    cast(measured as {{ type_double() }}) as measured
from measured
