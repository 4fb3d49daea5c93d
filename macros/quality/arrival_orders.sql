{#-
  Findings on orders that need vars or other sources; for arrival_profiles.

  Arguments   columns  contract columns that the raw table of orders has
              profile  row of arrival_profile
  Returns     rejects    {column: {reason, row_count, amount, values}}, the orders that will be rejected for a
                         value of the column. values: the three most frequent that may be shown: a currency of three
                         letters, a status that at least five orders and one in twenty have
              unmatched  {row_count, identified}: orders whose customer is not in the table of customers, and orders
                         with a customer; null where no customers were delivered
-#}
{% macro arrival_orders(columns, profile) -%}
    {%- set rejects, reasons = {}, {'currency': 'unknown_currency', 'status': 'unknown_status'} -%}
    {%- if var('guest_orders') == 'rejected' -%}
        {%- do reasons.update({'customer_id': 'guest_order'}) -%}
    {%- endif -%}
    {%- for column, reason in reasons.items() if column in columns and 'gross_amount' in columns -%}
        {%- set has_rates = column == 'currency' and raw_has('exchange_rates', ['currency', 'rate_to_reporting']) -%}
        {%- set found = run_query(arrival_rejects(column, has_rates, 'credited_order_id' in columns)).rows -%}
        {%- set values = [] -%}
        {%- for row in found if sayable(column, row[0], row[1], profile.row_count) -%}
            {%- do values.append(row[0]) -%}
        {%- endfor -%}
        {%- set amounts = found | map(attribute=2) | reject('none') | list -%}
        {%- do rejects.update({column: {
            'reason': reason, 'row_count': found | sum(attribute=1) | int,
            'amount': amounts | sum | float if amounts else none, 'values': values[:3],
        }}) if found -%}
    {%- endfor -%}
    {%- set unmatched = none -%}
    {%- if 'customer_id' in columns and raw_has('customers', ['customer_id'], with_rows=true) -%}
        {%- set counted = run_query('select sum(row_count) from (' ~ arrival_unmatched() ~ ') as unmatched').rows -%}
        {%- set unmatched = {
            'row_count': (counted[0][0] or 0) | int, 'identified': profile.customer_id__typed | int
        } -%}
    {%- endif -%}
    {{ return({'rejects': rejects, 'unmatched': unmatched}) }}
{%- endmacro %}

{#-
  Whether a source can be read: it is not switched off, and its table and these columns exist.

  Arguments   source_name  of models/staging/_sources.yml
              columns      contract columns
              with_rows    true: it must have rows, too
  Returns     boolean
-#}
{% macro raw_has(source_name, columns, with_rows=false) -%}
    {%- for source in graph.sources.values()
        if source.package_name == project_name() and source.source_name == 'raw' and source.name == source_name
        and var('has_' ~ source_name, true) -%}
        {%- set relation = adapter.get_relation(source.database, source.schema, source.identifier) -%}
        {%- if relation is not none -%}
            {%- set found = adapter.get_columns_in_relation(relation) -%}
            {%- set physical = found | map(attribute='name') | map('lower') | list -%}
            {%- set mapped = var('source_map').get(source_name, {}).get('columns') -%}
            {%- set missing = [] -%}
            {%- for column in columns -%}
                {%- set own = mapped_column(mapped.get(column)) if mapped else column -%}
                {%- set is_left_out = mapped and mapped.get(column) is none -%}
                {%- do missing.append(column) if is_left_out or (own and own not in physical) -%}
            {%- endfor -%}
            {%- if not missing -%}
                {{ return(not with_rows or run_query('select 1 from ' ~ relation ~ ' limit 1').rows | length > 0) }}
            {%- endif -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(false) }}
{%- endmacro %}
