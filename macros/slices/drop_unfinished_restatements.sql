{#-
  Pre-hook of restatements: deletes the rows of a run that ended before it had built its slices. The shown values are
  then still in the history, and this run compares them with its own slices.

  Returns     a delete statement; nothing if the table does not exist yet
-#}
{% macro drop_unfinished_restatements() -%}
    {%- if is_incremental() -%}
        delete from {{ this }}
        where
            restatement_number in (select max(restatement_number) from {{ this }})
            and shown_slice_version in (select slice_version from {{ ref('int_shown_slices') }})
    {%- endif -%}
{%- endmacro %}
