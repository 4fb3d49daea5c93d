{#-
  Profile of one source, as a SELECT of one row: one scan, and no rows leave the warehouse.

  Arguments   source_name  table of models/staging/_sources.yml
              columns      {contract column: data_type} of the columns that the raw table has
              until        YYYY-MM-DD HH:MM:SS; later times do not count as the newest. None: all do
  Returns     row_count; newest_at, text, wall clock of var reporting_time_zone, of the first timestamp or date column;
              and per column
                <column>__typed      values that can be read as the contract's type
                <column>__untypable  values that cannot; 0 for text. All other values are null or blank
                <column>__point_zero  ids of customers and orders: values that end in .0
                <column>__min, __max, __sum  integer and numeric: double, null without values
                <column>__below_<i>           numeric: values below arrival_bounds()[i]
-#}
{% macro arrival_profile(source_name, columns, until=none) -%}
    {%- set times = [] -%}
    {#- a day of birth is no time of the source, and must not be on a page -#}
    {%- for column, data_type in columns.items() if data_type in ['timestamp', 'date'] and column != 'birth_date' -%}
        {%- do times.append(column) -%}
    {%- endfor -%}
    select
        count(*) as row_count
        {%- if times %},
        cast(max(
            {%- if until %}case when {{ times[0] }} <= cast('{{ until }}' as timestamp) then {{ times[0] }} end
            {%- else %}{{ times[0] }}{% endif -%}
        ) as {{ dbt.type_string() }}) as newest_at
        {%- endif %}
        {%- for column, data_type in columns.items() %},
        count({{ column }}) as {{ column }}__typed,
        {{ '0' if data_type == 'varchar' else
            'count(case when ' ~ column ~ ' is null and ' ~ text_of('raw_' ~ column) ~ ' is not null then 1 end)'
        }} as {{ column }}__untypable
        {%- if column.endswith(('customer_id', 'order_id')) %},
        count(case when {{ column }} like '%.0' then 1 end) as {{ column }}__point_zero
        {%- endif %}
        {%- if data_type == 'integer' or data_type.startswith('numeric') %},
        cast(min({{ column }}) as {{ type_double() }}) as {{ column }}__min,
        cast(max({{ column }}) as {{ type_double() }}) as {{ column }}__max,
        cast(sum({{ column }}) as {{ type_double() }}) as {{ column }}__sum
        {%- endif %}
        {%- if data_type.startswith('numeric') %}
        {%- for bound in arrival_bounds() %},
        count(case when {{ column }} < {{ bound }} then 1 end) as {{ column }}__below_{{ loop.index0 }}
        {%- endfor %}
        {%- endif %}
        {%- endfor %}
    from (
        select
        {%- for column, data_type in columns.items() %}
            raw_{{ column }},
            {{ parsed_as('raw_' ~ column, data_type) }} as {{ column }}
            {%- if not loop.last %},{% endif %}
        {%- endfor %}
        from {{ raw_relation(source_name, columns.keys() | list) }} as raw_rows
        {{ evaluated_once() }}
    ) as typed
{%- endmacro %}

{#-
  The bounds of the histogram of amounts, on a log scale: below 0, 0 (below 0.01), then steps of a factor of 2 or more.

  Returns     list of numbers, ascending
-#}
{% macro arrival_bounds() -%}
    {{ return([0, 0.01, 0.1, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 100000, 1000000]) }}
{%- endmacro %}
