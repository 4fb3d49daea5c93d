{#-
  A raw value as wall clock time in the reporting time zone, or null where it is no time: never an error. Text must be
  YYYY-MM-DD, or that with HH:MM[:SS[.ffffff]] after a blank or T, or that with Z, UTC, GMT, +HH, +HHMM or +HH:MM after
  it, with or without a blank between; years 1000 to 2999. A time with a zone is an instant and is converted to var
  reporting_time_zone; a time without a zone is in var source_time_zone; a date without a time stays the same date.

  Arguments   raw  SQL expression: text, date or timestamp with or without time zone
  Returns     timestamp or null
  Example     '2024-01-01T00:30:00+02:00' in UTC gives 2023-12-31 22:30:00
-#}
{% macro parsed_timestamp(raw) -%}
    {%- set day = '(0[1-9]|1[0-9]|2[0-8])' -%}
    {%- set date = '([12][0-9]{3}-((0[13578]|1[02])-(' ~ day ~ '|29|3[01])|(0[469]|11)-(' ~ day ~ '|29|30)|02-' ~ day
        ~ ')|([12][0-9](0[48]|[2468][048]|[13579][26])|1200|1600|2000|2400|2800)-02-29)' -%}
    {%- set time = '[ T]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,9})?)?' -%}
    {{ return(adapter.dispatch('parsed_timestamp', 'customer_value_warehouse')(raw, {
        'date': '^ *' ~ date ~ ' *$',
        'time': '^ *' ~ date ~ time ~ ' *$',
        'zoned': '^ *' ~ date ~ time ~ ' ?(Z|UTC|GMT|[+-](0[0-9]|1[0-4])(:?[0-5][0-9])?) *$',
    }, var('source_time_zone'), var('reporting_time_zone'))) }}
{%- endmacro %}

{# typeof is folded when the query is planned: a column that is a timestamp already costs nothing #}
{% macro default__parsed_timestamp(raw, patterns, from_zone, to_zone) -%}
    {%- set text = 'trim(cast(' ~ raw ~ ' as varchar))' -%}
    (case
        when typeof({{ raw }}) = 'VARCHAR' then case
            when regexp_matches({{ text }}, '{{ patterns.date }}') then try_cast({{ text }} as timestamp)
            when regexp_matches({{ text }}, '{{ patterns.zoned }}')
                then timezone('{{ to_zone }}', try_cast({{ with_plain_zone(text) }} as timestamptz))
            when regexp_matches({{ text }}, '{{ patterns.time }}')
                then {{ duckdb_moved('try_cast(' ~ text ~ ' as timestamp)', from_zone, to_zone) }}
        end
        when typeof({{ raw }}) = 'TIMESTAMP WITH TIME ZONE' then timezone('{{ to_zone }}', try_cast({{ raw }} as timestamptz))
        when typeof({{ raw }}) = 'DATE' then try_cast({{ raw }} as timestamp)
        else {{ duckdb_moved('try_cast(' ~ raw ~ ' as timestamp)', from_zone, to_zone) }}
    end)
{%- endmacro %}

{# a text with a zone in the form that DuckDB and Spark read: no blank before the zone, Z for UTC and GMT #}
{% macro with_plain_zone(text) -%}
    replace(replace(replace(replace(replace({{ text }}, 'UTC', 'Z'), 'GMT', 'Z'), ' Z', 'Z'), ' +', '+'), ' -', '-')
{%- endmacro %}

{# wall clock time converted from one zone to another #}
{% macro duckdb_moved(time, from_zone, to_zone) -%}
    {{ time if from_zone == to_zone else "timezone('" ~ to_zone ~ "', timezone('" ~ from_zone ~ "', " ~ time ~ '))' }}
{%- endmacro %}

{% macro postgres__parsed_timestamp(raw, patterns, from_zone, to_zone) -%}
    {%- set text = 'cast(' ~ raw ~ ' as text)' -%}
    (case
        when {{ text }} ~ '{{ patterns.date }}' then cast({{ text }} as timestamp)
        when {{ text }} ~ '{{ patterns.time }}'
            {%- if from_zone == to_zone %}
            then cast({{ text }} as timestamp)
            {%- else %}
            then timezone('{{ to_zone }}', timezone('{{ from_zone }}', cast({{ text }} as timestamp)))
            {%- endif %}
        when {{ text }} ~ '{{ patterns.zoned }}'
            then timezone('{{ to_zone }}', cast({{ text }} as timestamptz))
    end)
{%- endmacro %}

{# Spark's timestamp is an instant, shown in the session's zone, UTC here; it reads a zone after seconds alone #}
{% macro spark__parsed_timestamp(raw, patterns, from_zone, to_zone) -%}
    {%- set text = 'cast(' ~ raw ~ ' as string)' -%}
    {%- set with_seconds = "regexp_replace(" ~ with_plain_zone('trim(' ~ text ~ ')')
        ~ ", '([ T][0-9]{2}:[0-9]{2})([Z+-])', '$1:00$2')" -%}
    (case
        when typeof({{ raw }}) = 'date' or {{ text }} rlike '{{ patterns.date }}' then try_cast({{ raw }} as timestamp)
        when {{ text }} rlike '{{ patterns.zoned }}'
            then from_utc_timestamp(try_cast({{ with_seconds }} as timestamp), '{{ to_zone }}')
        when typeof({{ raw }}) <> 'string' or {{ text }} rlike '{{ patterns.time }}'
            {%- if from_zone == to_zone %}
            then try_cast({{ raw }} as timestamp)
            {%- else %}
            then from_utc_timestamp(to_utc_timestamp(try_cast({{ raw }} as timestamp), '{{ from_zone }}'), '{{ to_zone }}')
            {%- endif %}
    end)
{%- endmacro %}
