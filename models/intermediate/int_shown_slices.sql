{%- set columns = restated_columns() %}
{#- a full refresh replaces the history after this model, so what was shown can still be read #}
{%- set built = built_relations(['customer_value_history'], in_full_refresh=true) -%}
with slices as (

    select * from {{ ref('int_slices') }}
    where is_open and is_month_end

),

history as (

    {% if built -%}
    select * from {{ built[0] }}
    {%- else -%}
    select
        cast(null as date) as as_of_date,
        cast(null as {{ dbt.type_string() }}) as customer_id,
        {% for column, sql_type in columns.items() -%}
        cast(null as {{ sql_type }}) as {{ column }},
        {% endfor -%}
        cast(null as {{ dbt.type_string() }}) as slice_version
    where 1 = 0
    {%- endif %}

)

-- A slice is closed when a later one stands beside it. Slices of other definitions are not restated: what they showed
-- cannot be compared.
select
    history.as_of_date,
    history.customer_id,
    {% for column in columns -%}
    history.{{ column }},
    {% endfor -%}
    history.slice_version
from history
inner join slices on history.as_of_date = slices.as_of_date
where
    history.slice_version <> slices.slice_version
    and history.as_of_date < (select max(latest.as_of_date) from history as latest)
    and history.slice_version like '%/{{ definitions_key() }}/%'
