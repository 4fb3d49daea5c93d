{#-
  Pre-hook of every incremental model that holds slices: deletes the slices whose version is out of date, among them the
  former mid-month one. It runs in the transaction of the insert that follows, if the engine has transactions.

  Arguments   latest_only  true: the model holds the slice of the current date alone; all other slices are deleted
              slices       model of the versions, as_of_date and slice_version: int_slices, or int_<subject>_slices
  Returns     a delete statement; nothing if the table does not exist yet
-#}
{% macro drop_outdated_slices(latest_only=false, slices='int_slices') -%}
    {%- if is_incremental() -%}
        delete from {{ this }}
        where slice_version not in (
            select {{ own_slice_version() }} from {{ ref(slices) }}
            {% if latest_only -%}
            where as_of_date = (select max(as_of_date) from {{ ref(slices) }})
            {%- endif %}
        )
    {%- endif -%}
{%- endmacro %}
