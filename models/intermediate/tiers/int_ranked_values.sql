{{ config(
    materialized='incremental', incremental_strategy='append', pre_hook='{{ drop_outdated_slices() }}',
    enabled=(var('abc_value') == 'lifetime_value')
) }}

with scores as (

    select * from {{ ref('int_clv_scores') }}

),

-- the same formula as in customer_value_history, which is built later
valued as (

    select
        as_of_date,
        customer_id,
        last_order_date,
        held_from is not null as is_held,
        slice_version,
        cast(
            realised_value
            + {{ residual_value('discounted_purchases_36m') }}
            - coalesce(acquisition_cost, 0)
            as numeric(18, 2)
        ) as lifetime_value
    from scores
    where order_count > 0 and {{ is_missing_slice() }}

),

followed as (

    select
        *,
        lifetime_value as least_value,
        true as is_new
    from valued
    {% if is_incremental() -%}
    -- the last kept slice has the least value so far
    union all
    select
        as_of_date,
        customer_id,
        last_order_date,
        false as is_held,
        slice_version,
        ranked_value as lifetime_value,
        least_value,
        false as is_new
    from {{ this }}
    where as_of_date = (select max(standing.as_of_date) from {{ this }} as standing)
    {% endif %}
),

-- a new fit can raise the forecast of a customer without a new purchase
held as (

    select
        as_of_date,
        customer_id,
        last_order_date,
        lifetime_value as ranked_value,
        cast(min(least_value) over (
            partition by customer_id, last_order_date order by as_of_date asc
            rows between unbounded preceding and current row
        ) as numeric(18, 2)) as least_value,
        is_held,
        slice_version,
        is_new
    from followed

)

select
    as_of_date,
    customer_id,
    last_order_date,
    ranked_value,
    least_value,
    case when is_held then least_value else ranked_value end as held_value,
    slice_version
from held
where is_new
