{{ config(
    materialized='incremental', incremental_strategy='append', full_refresh=false,
    on_schema_change='append_new_columns', pre_hook='{{ drop_unfinished_restatements() }}'
) }}
{%- set columns = restated_columns() %}

{#- on most days nothing shown has changed, and the labels of the open slices need not be computed for this #}
{%- set shown_relation = load_relation(ref('int_shown_slices')) if execute else none %}
{%- set is_anything_shown = shown_relation is not none and (
    run_query('select 1 as one from ' ~ shown_relation ~ ' limit 1').rows | length > 0
) %}

with shown as (

    select * from {{ ref('int_shown_slices') }}

),

slices as (

    select * from {{ ref('int_slices') }}

),

as_of_dates as (

    select max(as_of_date) as as_of_date from slices

),

shown_slices as (

    select distinct
        shown.as_of_date,
        shown.slice_version as shown_slice_version,
        slices.slice_version
    from shown
    inner join slices on shown.as_of_date = slices.as_of_date

),

holding as (

    select customer_value.*
    from {{ ref('int_customer_value') }} as customer_value
    inner join shown_slices on customer_value.as_of_date = shown_slices.as_of_date
    {{ 'where 1 = 0' if not is_anything_shown }}

),

numbers as (

    {% if is_incremental() -%}
    select coalesce(max(restatement_number), 0) as last_number from {{ this }}
    {%- else -%}
    select 0 as last_number
    {%- endif %}

),

compared as (

    select
        {% for column in columns -%}
        shown.{{ column }} as shown_{{ column }},
        holding.{{ column }},
        {% endfor -%}
        coalesce(shown.as_of_date, holding.as_of_date) as as_of_date,
        coalesce(shown.customer_id, holding.customer_id) as customer_id,
        shown.customer_id is null or holding.customer_id is null as came_or_went
    from shown
    full outer join holding
        on
            shown.as_of_date = holding.as_of_date
            and shown.customer_id = holding.customer_id

)

select
    cast(numbers.last_number + 1 as integer) as restatement_number,
    as_of_dates.as_of_date as restated_as_of,
    compared.as_of_date,
    compared.customer_id,
    {% for column, sql_type in columns.items() -%}
    cast(compared.shown_{{ column }} as {{ sql_type }}) as shown_{{ column }},
    cast(compared.{{ column }} as {{ sql_type }}) as {{ column }},
    {% endfor -%}
    shown_slices.shown_slice_version,
    shown_slices.slice_version
from compared
inner join shown_slices on compared.as_of_date = shown_slices.as_of_date
cross join numbers
cross join as_of_dates
where
    compared.came_or_went
    {%- for column in columns %}
    or compared.shown_{{ column }} is distinct from compared.{{ column }}
    {%- endfor %}
