{#-
  Incremental filter: the slices that this table does not hold in the current version. One insert adds whole slices, so
  each slice is complete or missing, and the next run continues a run that was killed.

  Arguments   column  the as-of date, with the name of its table where the query has several
              of      the model that holds the slices, if an earlier model calls; the calling model unless given
              slices  model of the versions, as_of_date and slice_version: int_slices, or int_<subject>_slices
  Returns     a condition; true if the table does not exist yet
  The filter is by date, because a scan skips other dates; by version it would read all rows.
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
