{#-
  Pre-hook of every incremental model that holds slices: takes out those that no longer stand in their version, among
  them the former mid-month one. In the transaction of the rows that follow, where the engine has transactions.

  Arguments   latest_only  true: the model holds the slice of the current date alone; all others go
              slices       model of the versions, as_of_date and slice_version: int_slices, or int_<subject>_slices
  Returns     a delete statement; nothing where the table is not there yet
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
