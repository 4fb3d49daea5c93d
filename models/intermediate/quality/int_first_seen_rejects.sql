{{ config(materialized='incremental', incremental_strategy='append') }}

with rejected_rows as (

    select * from {{ ref('int_rejected_rows') }}

),

as_of_dates as (

    select max(as_of_date) as as_of_date from {{ ref('int_as_of_dates') }}

)

select
    rejected_rows.rejected_row_id,
    as_of_dates.as_of_date as first_seen_on
from rejected_rows
cross join as_of_dates
{% if is_incremental() -%}
where rejected_rows.rejected_row_id not in (select earlier.rejected_row_id from {{ this }} as earlier)
{%- endif %}
