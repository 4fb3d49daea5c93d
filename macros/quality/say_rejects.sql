{#-
  Print, at the end of a run that judged orders, how many of them are rejected, why, their amount and what to do: the
  three reasons with the most money, whatever their severity. If a build has no accepted order, this message gives the
  reasons for the failure of the test not_empty_stg_orders. Runs on-run-end.

  Arguments   results  of the run
  Returns     nothing; writes one message to the log, none where no order is rejected
  Example     120 of 120 orders rejected, 6,143.05 of 6,143.05 of the gross amount as stated:
                unknown_currency: EUR; 120 orders, 6,143.05. Set var reporting_currency or deliver exchange_rates
-#}
{% macro say_rejects(results) -%}
    {%- for result in results
        if execute and result.node.unique_id == model_id('stg_orders') and result.status == 'success' -%}
        {%- set orders = relation_of('stg_orders') -%}
        {%- set reasons = {} -%}
        {%- set total = {'rows': 0, 'amount': 0, 'rejected': 0, 'rejected_amount': 0} -%}
        {%- for codes, row_count, amount in run_query(
            'select reject_reasons, count(*), coalesce(sum(gross_amount), 0) from ' ~ orders
            ~ ' group by reject_reasons'
        ).rows -%}
            {%- do total.update({'rows': total.rows + row_count, 'amount': total.amount + amount}) -%}
            {%- if codes -%}
                {%- do total.update({
                    'rejected': total.rejected + row_count, 'rejected_amount': total.rejected_amount + amount
                }) -%}
            {%- endif -%}
            {%- for code in codes.split(',') if codes -%}
                {%- set before = reasons.get(code, [0, 0]) -%}
                {%- do reasons.update({code: [before[0] + amount, before[1] + row_count]}) -%}
            {%- endfor -%}
        {%- endfor -%}
        {%- set lines = [] -%}
        {%- for code, sums in (reasons.items() | sort(attribute='1', reverse=true))[:3] -%}
            {%- do lines.append(
                '  ' ~ code ~ rejected_values(orders, code, total.rows) ~ '; ' ~ '{:,}'.format(sums[1] | int)
                ~ ' order' ~ ('s' if sums[1] != 1 else '') ~ ', ' ~ '{:,.2f}'.format(sums[0]) ~ remedy_of(code)
            ) -%}
        {%- endfor -%}
        {%- if lines -%}
            {%- do log(
                '{:,} of {:,} orders rejected, '.format(total.rejected | int, total.rows | int)
                ~ '{:,.2f} of {:,.2f}'.format(total.rejected_amount, total.amount)
                ~ ' of the gross amount as stated:\n' ~ lines | join('\n'), info=true
            ) -%}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}

{#-
  The values for which orders were rejected, if they may be shown: currencies of three letters, statuses that at least
  five orders and one in twenty have.

  Arguments   orders  relation of stg_orders
              code    reject reason
              rows    orders in all
  Returns     text to follow the code: ': EUR, GBP', at most three; empty for other reasons
-#}
{% macro rejected_values(orders, code, rows) -%}
    {%- set columns = {'unknown_currency': 'currency', 'missing_rate': 'currency', 'unknown_status': 'status'} -%}
    {%- set column = columns.get(code) -%}
    {%- set values = [] -%}
    {%- if column -%}
        {%- for value, row_count in run_query(
            'select ' ~ column ~ ', count(*) from ' ~ orders ~ " where reject_reasons like '%" ~ code ~ "%' group by "
            ~ column ~ ' order by count(*) desc, ' ~ column
        ).rows if sayable(column, value, row_count, rows) -%}
            {%- do values.append(value) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(': ' ~ values[:3] | join(', ') if values else '') }}
{%- endmacro %}

{#-
  Whether a value of an order may be shown in a message: not if it could be personal, such as a name in a wrong column.

  Arguments   column     currency or status
              value      as staging writes it
              row_count  orders that have it
              rows       orders in all
  Returns     boolean: a currency of three letters; a status of letters that at least five orders and one in twenty have
-#}
{% macro sayable(column, value, row_count, rows) -%}
    {%- set pattern = {'currency': '[A-Z]{3}', 'status': '[a-z_]{1,30}'}.get(column) -%}
    {%- set is_frequent = column == 'currency' or (row_count >= 5 and row_count * 20 >= rows | float) -%}
    {{ return(pattern and is_frequent and modules.re.fullmatch(pattern, value or '') is not none) }}
{%- endmacro %}

{#-
  What to do about a reject reason, by the seed reject_reasons where it has been built.

  Arguments   code  reject reason
  Returns     text to follow a number: '. Correct ...'; empty where the seed does not say
-#}
{% macro remedy_of(code) -%}
    {%- for seed in graph.nodes.values() if seed.resource_type == 'seed' and seed.name == 'reject_reasons' -%}
        {%- set relation = load_relation(api.Relation.create(
            database=seed.database, schema=seed.schema, identifier=seed.alias
        )) -%}
        {%- if relation is not none -%}
            {%- for row in run_query(
                'select remedy from ' ~ relation ~ " where reject_reason = '" ~ code ~ "'"
            ).rows -%}
                {{ return('. ' ~ row[0]) }}
            {%- endfor -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return('') }}
{%- endmacro %}
