{{ config(materialized='incremental', incremental_strategy='append', pre_hook='{{ drop_outdated_slices() }}') }}

with slices as (

    select * from {{ ref('int_slices') }}

),

migrations as (

    {% for model in ['int_migrations', 'int_migration_causes', 'int_restated_openings'] -%}
    select
        as_of_date,
        label_type,
        from_label,
        to_label,
        cause,
        customers,
        opening_net_revenue,
        closing_net_revenue,
        opening_monetary,
        closing_monetary
    from {{ ref(model) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    migrations.as_of_date,
    cast(migrations.label_type as {{ dbt.type_string() }}) as label_type,
    cast(migrations.from_label as {{ dbt.type_string() }}) as from_label,
    cast(migrations.to_label as {{ dbt.type_string() }}) as to_label,
    cast(migrations.cause as {{ dbt.type_string() }}) as cause,
    slices.opening_date,
    cast(migrations.customers as integer) as customers,
    cast(migrations.opening_net_revenue as numeric(18, 2)) as opening_net_revenue,
    cast(migrations.closing_net_revenue as numeric(18, 2)) as closing_net_revenue,
    cast(migrations.opening_monetary as numeric(18, 2)) as opening_monetary,
    cast(migrations.closing_monetary as numeric(18, 2)) as closing_monetary,
    {{ own_slice_version('slices.slice_version') }} as slice_version
from migrations
inner join slices on migrations.as_of_date = slices.as_of_date
where {{ is_missing_slice('slices.as_of_date') }}
