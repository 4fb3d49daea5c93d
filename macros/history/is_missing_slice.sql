{#-
  Which rows an incremental model that holds slices has to add: those of slices that it lacks. A slice enters in one
  insert, so it is there as a whole or not at all, and a run that was killed is simply continued.

  Arguments   column  the as-of date, with the name of its table where there are several
  Returns     a condition; true where the table is not there yet
  By date, because a scan skips what lies outside the few dates; by version it would read all rows.
-#}
{% macro is_missing_slice(column='as_of_date') -%}
    {%- if is_incremental() -%}
        {{ column }} in (
            select current_slices.as_of_date
            from {{ ref('int_slices') }} as current_slices
            where current_slices.slice_version not in (select distinct slice_version from {{ this }})
        )
    {%- else -%}
        1 = 1
    {%- endif -%}
{%- endmacro %}
