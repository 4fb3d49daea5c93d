{#-
  Which rows an incremental model that holds slices has to add: those of slices that it lacks. A slice enters in one
  insert, so it is there as a whole or not at all, and a run that was killed is simply continued.

  Arguments   column  the as-of date, with the name of its table where there are several
              of      the model that holds the slices, for a model that comes before it; the one that calls unless given
              slices  model of the versions, as_of_date and slice_version: int_slices, or int_<subject>_slices
  Returns     a condition; true where the table is not there yet
  By date, because a scan skips what lies outside the few dates; by version it would read all rows.
-#}
{% macro is_missing_slice(column='as_of_date', of=none, slices='int_slices') -%}
    {%- set versions = ref(slices) -%}
    {%- set kept = built_relations([of]) if of else [this] if is_incremental() else [] -%}
    {%- if kept -%}
        {{ column }} in (
            select as_of_date from {{ versions }}
            where {{ own_slice_version(of=of) }} not in (select distinct slice_version from {{ kept[0] }})
        )
    {%- else -%}
        1 = 1
    {%- endif -%}
{%- endmacro %}
