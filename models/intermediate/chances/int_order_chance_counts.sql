{{ config(materialized='incremental', incremental_strategy='append', pre_hook='{{ drop_outdated_slices() }}') }}
-- depends_on: {{ ref('int_slices') }}

with cases as (

    select * from {{ ref('int_order_chance_cases') }}

),

binned as (

    {% for curve in ['model', 'overdue_ratio'] -%}
    select
        as_of_date,
        horizon_months,
        ends_on,
        slice_version,
        '{{ curve }}' as curve,
        {{ curve }}_bin as bin,
        {{ curve }}_position as position, -- noqa: RF04
        has_bought
    from cases
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

-- A decimal, so that the sum does not depend on the order of its rows. It has 16 digits, because slopes of curves
-- divide by differences of its means, and engines have to agree to nine digits.
select
    as_of_date,
    horizon_months,
    ends_on,
    cast(curve as {{ dbt.type_string() }}) as curve,
    bin,
    cast(count(*) as {{ dbt.type_bigint() }}) as customers,
    cast(sum(has_bought) as {{ dbt.type_bigint() }}) as bought,
    cast(sum(cast(position as numeric(34, 16))) as numeric(34, 16)) as position_sum,
    slice_version
from binned
where {{ is_missing_origin(this, 'binned') if is_incremental() else '1 = 1' }}
group by as_of_date, horizon_months, ends_on, curve, bin, slice_version
