{#-
  Fails for each version of a slice that a mart should not hold, or should hold and lacks, by meta: slices in its YAML
  (macro kept_models). Before the first customer is known, a slice has no rows. A build of only some models can leave
  slices missing; dbt build adds them.
-#}
{% test holds_its_slices(model, slices='int_slices') %}
{%- set names = [] -%}
{%- set all_of_them = kept_models('all') -%}
{%- for name in all_of_them + kept_models('some') + kept_models('holdout')
    if relation_of(name).identifier == model.identifier and relation_of(name).schema == model.schema -%}
    {%- do names.append(name) -%}
{%- endfor -%}
{%- if execute and not names -%}
    {{ exceptions.raise_compiler_error(model ~ ' does not say, as meta: slices, which of them it keeps') }}
{%- endif %}

with slices as (

    select
        as_of_date,
        {{ own_slice_version(of=names | first) }} as slice_version
    from {{ ref(slices) }}

),

first_known as (

    select min(coalesce(known_on, cast('0001-01-01' as date))) as known_on
    from {{ ref('int_customers') }}

),

expected as (

    select
        slices.as_of_date,
        slices.slice_version,
        slices.as_of_date >= first_known.known_on as has_rows
    from slices
    cross join first_known

),

kept as (

    select
        slice_version,
        min(as_of_date) as as_of_date
    from {{ model }}
    group by slice_version

)

select
    coalesce(expected.as_of_date, kept.as_of_date) as as_of_date,
    expected.slice_version as expected_version,
    kept.slice_version
from expected
full outer join kept on expected.slice_version = kept.slice_version
where
    expected.slice_version is null
    {%- if names | first in all_of_them %}
    or kept.slice_version is null and expected.has_rows
    {%- endif %}

{% endtest %}
