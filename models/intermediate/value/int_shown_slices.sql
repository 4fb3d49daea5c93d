{%- set columns = restated_columns() %}
{#- a full refresh replaces the history after this model, so the shown values can still be read #}
{%- set built = built_relations(['customer_value_history'], in_full_refresh=true, columns=columns.keys() | list) -%}
with slices as (

    select * from {{ ref('int_slices') }}
    where is_open and is_month_end

),

-- only two columns of the history: on most nights no shown slice is replaced, and the other columns are not read
versions as (

    {% if built -%}
    select distinct
        as_of_date,
        slice_version
    from {{ built[0] }}
    {%- else -%}
    select
        as_of_date,
        slice_version
    from slices
    where 1 = 0
    {%- endif %}

),

-- A slice is closed once a later slice exists. Slices of other definitions are not restated, because their values
-- cannot be compared.
replaced as (

    select versions.as_of_date
    from versions
    inner join slices on versions.as_of_date = slices.as_of_date
    where
        versions.slice_version <> slices.slice_version
        and versions.as_of_date < (select max(latest.as_of_date) from versions as latest)
        and versions.slice_version like '%/{{ definitions_key() }}/%'

)

{% if built -%}
select
    history.as_of_date,
    history.customer_id,
    {% for column in columns -%}
    history.{{ column }},
    {% endfor -%}
    history.slice_version
from {{ built[0] }} as history
inner join replaced on history.as_of_date = replaced.as_of_date
{%- else -%}
select
    as_of_date,
    cast(null as {{ dbt.type_string() }}) as customer_id,
    {% for column, sql_type in columns.items() -%}
    cast(null as {{ sql_type }}) as {{ column }},
    {% endfor -%}
    cast(null as {{ dbt.type_string() }}) as slice_version
from replaced
{%- endif %}
