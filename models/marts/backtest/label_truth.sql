{{ config(materialized='incremental', incremental_strategy='append', pre_hook='{{ drop_outdated_slices() }}') }}
{%- set horizons = label_horizons([var('churn_horizon_months')]) %}

with origins as (

    select * from {{ ref('int_label_origins') }}

),

outcomes as (

    select * from {{ ref('int_label_outcomes') }}

),

-- every kind of label adds up the same customers; customers without a label of a kind are left out of that kind
labelled as (

    {% for label in label_columns() -%}
    select
        as_of_date,
        '{{ label }}' as label_type,
        {{ label }} as label, -- noqa: RF04
        {% for horizon in horizons -%}
        sum(returned_{{ horizon }}) as returned_{{ horizon }},
        sum(revenue_{{ horizon }}) as revenue_{{ horizon }},
        {% endfor -%}
        sum(customers) as customers
    from outcomes
    where {{ label }} is not null
    group by as_of_date, {{ label }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

judged as (

    select
        labelled.as_of_date,
        labelled.label_type,
        labelled.label,
        origins.horizon_months,
        labelled.customers,
        case origins.horizon_months
            {% for horizon in horizons -%}
            when {{ horizon }} then labelled.returned_{{ horizon }}
            {% endfor -%}
        end as returned_customers,
        case origins.horizon_months
            {% for horizon in horizons -%}
            when {{ horizon }} then labelled.revenue_{{ horizon }}
            {% endfor -%}
        end as revenue,
        origins.horizon_ends_on,
        origins.slice_version
    from labelled
    inner join origins on labelled.as_of_date = origins.as_of_date
    where {{ is_missing_slice('origins.horizon_ends_on') }}

)

select
    as_of_date,
    cast(label_type as {{ dbt.type_string() }}) as label_type,
    cast(label as {{ dbt.type_string() }}) as label, -- noqa: RF04
    cast(horizon_months as integer) as horizon_months,
    cast(customers as integer) as customers,
    cast(returned_customers as integer) as returned_customers,
    cast(returned_customers as {{ type_double() }}) / customers as return_rate,
    cast({{ wilson_interval('returned_customers', 'customers', 'low') }} as {{ type_double() }}) as return_rate_low,
    cast({{ wilson_interval('returned_customers', 'customers', 'high') }} as {{ type_double() }}) as return_rate_high,
    cast(revenue as numeric(18, 2)) as revenue,
    {{ mean_amount('revenue', 'customers') }} as revenue_per_customer,
    horizon_ends_on,
    {{ own_slice_version() }} as slice_version
from judged
