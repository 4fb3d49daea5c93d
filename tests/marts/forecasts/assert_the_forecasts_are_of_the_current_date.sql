-- Every customer with an order by the current date has a forecast for every horizon, in the version of the current
-- slice, and no other customer has one. A build of only some models can leave forecasts missing; dbt build adds them.
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
