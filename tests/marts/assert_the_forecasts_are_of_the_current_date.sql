-- Who has ordered by the current date has a forecast of every horizon, in the version of that slice, and nobody else
-- has. A build of some models alone can leave this open; dbt build closes it.
{%- set horizons = clv_horizons(var('clv_horizons_months')) %}
with customers as (

    select
        customer_id,
        {{ own_slice_version(of='customer_forecasts') }} as slice_version
    from {{ ref('customer_value') }}
    where order_count > 0

),

forecasts as (

    select
        customer_id,
        slice_version,
        count(*) as horizons
    from {{ ref('customer_forecasts') }}
    group by customer_id, slice_version

)

select
    customers.customer_id,
    customers.slice_version as expected_version,
    forecasts.customer_id as forecast_customer_id,
    forecasts.slice_version,
    forecasts.horizons
from customers
full outer join forecasts
    on
        customers.customer_id = forecasts.customer_id
        and customers.slice_version = forecasts.slice_version
where
    customers.customer_id is null
    or forecasts.customer_id is null
    or forecasts.horizons <> {{ horizons | length }}
