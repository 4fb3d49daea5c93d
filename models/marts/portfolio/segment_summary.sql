{{ config(materialized='incremental', incremental_strategy='append', pre_hook='{{ drop_outdated_slices() }}') }}

with history as (

    select * from {{ ref('customer_value_history') }}
    where {{ is_missing_slice() }}

),

-- customers without an order have no segment; they are counted as none
labelled as (

    select
        as_of_date,
        slice_version,
        coalesce(rfm_segment, 'none') as rfm_segment,
        monetary,
        net_revenue,
        margin,
        realised_value
    from history

)

select
    as_of_date,
    rfm_segment,
    {{ portfolio_measures() }},
    {{ own_slice_version() }} as slice_version
from labelled
group by as_of_date, rfm_segment, slice_version
