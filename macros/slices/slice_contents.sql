{#-
  A hash of all rows that count by each as-of date. Added to the version of the slice, it gives the version for a
  subject whose rows the history does not depend on: answers, tickets, touches or events. A late row then opens only the
  marts that use this version (slices= of is_missing_slice and drop_outdated_slices).

  Arguments   dates  name of a CTE or relation: as_of_date
              rows   name of a CTE: known_on, the day from which a row counts, and row_hash
  Output      as_of_date, contents_hash: 16 hexadecimal digits; a date without rows has a hash, too
  Example     models/docs/refreshes.md, "A history of another subject"
-#}
{% macro slice_contents(dates, rows) -%}
    {#- a sum of hashes does not depend on the order of the rows, and can be continued from day to day -#}
    select
        dates.as_of_date,
        substring(md5(coalesce(cast(sum(daily.hash_sum) as {{ dbt.type_string() }}), '')), 1, 16) as contents_hash
    from {{ dates }} as dates
    left join (
        select
            known_on,
            sum(row_hash) as hash_sum
        from {{ rows }}
        group by known_on
    ) as daily on dates.as_of_date >= daily.known_on
    group by dates.as_of_date
{%- endmacro %}
