-- Every slice mart holds every as-of date, and no other, each in the one version that holds; cohort_retention and
-- return_rates are left out, which are empty until somebody has ordered and could come back. A build of some models
-- alone can leave this open; dbt build closes it.
{%- set marts = [
    'customer_value_history', 'tier_thresholds', 'tier_summary', 'segment_summary', 'value_concentration',
    'tier_migrations', 'customer_growth',
] %}
with slices as (

    select * from {{ ref('int_slices') }}

),

-- before the first customer is known, a slice has no rows
first_known as (

    select min(coalesce(known_on, cast('0001-01-01' as date))) as known_on
    from {{ ref('int_customers') }}

),

versions as (

    {% for mart in marts -%}
    select distinct
        '{{ mart }}' as mart,
        as_of_date,
        slice_version
    from {{ ref(mart) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

expected as (

    {% for mart in marts -%}
    select
        '{{ mart }}' as mart,
        as_of_date,
        slice_version
    from slices
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    coalesce(expected.mart, versions.mart) as mart,
    coalesce(expected.as_of_date, versions.as_of_date) as as_of_date,
    expected.slice_version as expected_version,
    versions.slice_version
from expected
full outer join versions
    on
        expected.mart = versions.mart
        and expected.as_of_date = versions.as_of_date
        and expected.slice_version = versions.slice_version
inner join first_known on coalesce(expected.as_of_date, versions.as_of_date) >= first_known.known_on
where expected.mart is null or versions.mart is null
