{#-
  Profile every enabled source; for dbt run-operation. Prints one line of JSON for each, which scripts/check_arrival.py
  reads:
    source      name in the contract
    table       schema.table that is read
    is_there    whether the table exists
    physical    {column of the table, lower case: its type}
    additional  columns of the table that the contract does not have; none where var source_map names columns
    columns     {contract column: {data_type, required, is_there, origin}}. A column that var source_map leaves out
                counts as there, with nulls; so does a column that it computes (see try_source_map). customer_id
                of orders is not required where var guest_orders accepts orders without one. origin: entry of var
                source_map, null without a mapping
    unreadable  {column of times: up to three of its unreadable values, by arrival_examples}
    profile     the row of arrival_profile; null without a table, or without any column of the contract
    rejects, unmatched  of orders: arrival_orders; empty and null elsewhere
    checked_at  the time given, as wall clock of var reporting_time_zone

  Arguments   utc  time of the check, YYYY-MM-DD HH:MM:SS in UTC; later times do not count as the newest
-#}
{% macro arrival_profiles(utc) -%}
    {%- set checked_at = modules.pytz.utc.localize(modules.datetime.datetime.fromisoformat(utc)).astimezone(
        modules.pytz.timezone(var('reporting_time_zone'))
    ).strftime('%Y-%m-%d %H:%M:%S') -%}
    {%- for source in graph.sources.values() | sort(attribute='unique_id') if source.package_name == project_name()
        and source.source_name == 'raw' -%}
        {%- set relation = adapter.get_relation(source.database, source.schema, source.identifier) -%}
        {%- set mapped = var('source_map').get(source.name, {}).get('columns') -%}
        {%- set physical, columns, present, row, unreadable = {}, {}, {}, {}, {} -%}
        {%- for column in (adapter.get_columns_in_relation(relation) if relation is not none else []) -%}
            {%- do physical.update({column.name | lower: column.dtype}) -%}
        {%- endfor -%}
        {%- for column in source.columns.values() -%}
            {%- set origin = mapped.get(column.name) if mapped else column.name -%}
            {%- set is_guest = source.name == 'orders' and column.name == 'customer_id'
                and var('guest_orders') != 'rejected' -%}
            {%- set required = column.config.meta.get('required', false) and not is_guest -%}
            {%- set own = mapped_column(origin) if mapped else origin -%}
            {%- set is_there = relation is not none and (
                not required if origin is none else not own or own in physical
            ) -%}
            {%- do columns.update({column.name: {
                'data_type': column.data_type, 'required': required, 'is_there': is_there,
                'origin': origin | string if mapped and origin is not none else none,
            }}) -%}
            {%- do present.update({column.name: column.data_type} if is_there else {}) -%}
        {%- endfor -%}
        {%- if relation is not none -%}
            {%- do try_source_map(source.name, physical, is_printed=true) -%}
        {%- endif -%}
        {%- if present -%}
            {%- set table = run_query(arrival_profile(source.name, present, checked_at)) -%}
            {%- for name in table.column_names -%}
                {%- set value = table.rows[0][loop.index0] -%}
                {%- do row.update({name: value if value is none or value is string else value | float}) -%}
            {%- endfor -%}
        {%- endif -%}
        {%- set of_orders = arrival_orders(present, row) if source.name == 'orders' and row.row_count else {} -%}
        {%- for column, data_type in present.items() if row.get(column ~ '__untypable') -%}
            {%- set examples = arrival_examples(source.name, column, data_type) -%}
            {%- do unreadable.update({column: examples} if examples else {}) -%}
        {%- endfor -%}
        {%- do print('arrival_profile ' ~ tojson({
            'source': source.name,
            'table': source.schema ~ '.' ~ source.identifier,
            'is_there': relation is not none,
            'physical': physical,
            'additional': [] if mapped else physical | reject('in', columns) | list,
            'columns': columns,
            'unreadable': unreadable,
            'profile': row or none,
            'rejects': of_orders.get('rejects', {}),
            'unmatched': of_orders.get('unmatched'),
            'checked_at': checked_at,
        })) -%}
    {%- endfor -%}
{%- endmacro %}
