{#-
  Whether a table lacks an origin and horizon of the chances of an order, in the version of the slice in which the
  horizon ends.

  Arguments   kept      relation that holds origins: as_of_date, horizon_months, slice_version
              origins   alias of the rows to check: as_of_date, horizon_months
              versions  alias of the row with their slice_version; the alias of the origins unless given
  Returns     a condition
-#}
{% macro is_missing_origin(kept, origins, versions=none) -%}
    not exists (
        select 1
        from {{ kept }} as kept
        where
            kept.as_of_date = {{ origins }}.as_of_date
            and kept.horizon_months = {{ origins }}.horizon_months
            and kept.slice_version = {{ versions or origins }}.slice_version
    )
{%- endmacro %}
