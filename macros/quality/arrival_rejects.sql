{#-
  The orders that staging will reject for a value of one column: a currency without any rate, a status in neither list
  of vars, no customer where guests are rejected.

  Arguments   column     currency, status or customer_id of orders, which the raw table has
              has_rates  whether the table of exchange rates can be read; without it no currency has a rate
              has_links  whether the raw table has credited_order_id: a credit note that names a sale needs no customer
  Returns     SELECT of one row per value: reject_value (as staging writes it; null for guests), row_count and amount
              (gross, as stated; null where none can be read)
-#}
{% macro arrival_rejects(column, has_rates, has_links) -%}
    {%- set raw = text_of('raw_' ~ column) -%}
    {%- set judged = {
        'currency': 'upper(' ~ raw ~ ')',
        'status': "replace(replace(lower(" ~ raw ~ "), ' ', '_'), '-', '_')",
        'customer_id': raw,
    }[column] -%}
    select
        orders.reject_value,
        count(*) as row_count,
        cast(sum(orders.gross_amount) as {{ type_double() }}) as amount
    from (
        select
            {{ judged }} as reject_value,
            {{ parsed_number('raw_gross_amount') }} as gross_amount,
            {{ text_of('raw_credited_order_id') if has_links else 'cast(null as ' ~ dbt.type_string() ~ ')' }}
                as credited_order_id
        from {{ raw_relation(
            'orders', [column, 'gross_amount'] + (['credited_order_id'] if has_links else [])
        ) }} as raw_rows
        {{ evaluated_once() }}
    ) as orders
    {%- if column == 'currency' and has_rates %}
    left join (
        select distinct upper({{ text_of('raw_currency') }}) as currency
        from {{ raw_relation('exchange_rates', ['currency', 'rate_to_reporting']) }} as raw_rows
        where {{ parsed_number('raw_rate_to_reporting', 18, 8) }} > 0
    ) as rates on orders.reject_value = rates.currency
    {%- endif %}
    where
    {%- if column == 'currency' %}
        orders.reject_value <> '{{ var("reporting_currency") | upper }}'
        {{- ' and rates.currency is null' if has_rates }}
    {%- elif column == 'status' %}
        orders.reject_value not in ({{ sql_strings(var('sale_statuses') + var('other_statuses')) }})
    {%- else %}
        orders.reject_value is null
        and not coalesce(orders.gross_amount < 0 and orders.credited_order_id is not null, false)
    {%- endif %}
    group by orders.reject_value
    order by count(*) desc, orders.reject_value
{%- endmacro %}
