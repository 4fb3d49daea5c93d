{#-
  Whether one of several times is more than a day before the time that it has to follow. Less than that says nothing: a
  day without a time, and times in another zone, may fall on the day before.

  Arguments   columns  typed columns, timestamps; null where it has not happened, or is unknown
              start    typed column or expression, date or timestamp
  Returns     boolean; null where all columns or the start are null, and none is before it
  Example     start 2024-05-03 18:00: 2024-05-01 23:59 is before it, 2024-05-02 00:00 is not
-#}
{% macro any_before(columns, start) -%}
    (
        {%- for column in columns -%}
            {{ ' or ' if not loop.first }}cast({{ column }} as date) < cast({{ dbt.dateadd('day', -1, start) }} as date)
        {%- endfor -%}
    )
{%- endmacro %}
