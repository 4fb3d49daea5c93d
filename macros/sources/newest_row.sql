{#-
  The date of a source's newest row, for dbt source freshness.

  Arguments   source_name  table of models/staging/_sources.yml
              column       contract column with the date of the rows
  Returns     SELECT of one timestamp, wall clock of var reporting_time_zone; rows without a readable date do not count
-#}
{% macro newest_row(source_name, column) -%}
    select max({{ parsed_timestamp('raw_' ~ column) }}) as newest_at
    from {{ raw_relation(source_name, [column]) }} as raw_rows
{%- endmacro %}
