{#-
  Pre-hook of every incremental model that holds slices: takes out those that no longer stand in their version, among
  them the former mid-month one. In the transaction of the rows that follow, where the engine has transactions.

  Returns     a delete statement; nothing where the table is not there yet
-#}
{% macro drop_outdated_slices() -%}
    {%- if is_incremental() -%}
        delete from {{ this }}
        where slice_version not in (select slice_version from {{ ref('int_slices') }})
    {%- endif -%}
{%- endmacro %}
