{#-
  Pre-hook of restatements: takes out the rows of a run that ended before its slices came to stand. What was shown still
  stands then, and this run compares it with what it builds itself, which may be more by now.

  Returns     a delete statement; nothing where the table is not there yet
-#}
{% macro drop_unfinished_restatements() -%}
    {%- if is_incremental() -%}
        delete from {{ this }}
        where
            restatement_number in (select max(restatement_number) from {{ this }})
            and shown_slice_version in (select slice_version from {{ ref('int_shown_slices') }})
    {%- endif -%}
{%- endmacro %}
