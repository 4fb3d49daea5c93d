{#-
  Print what scripts/fit_clv.py reads, a JSON object per line after the word clv: the vars, the open fit dates with
  their slice versions, and the rows of int_clv_fit_stats in the order of its columns.
-#}
{% macro print_clv_fit_inputs() -%}
    {%- do print('clv ' ~ tojson({'model': var('clv_model'), 'minimum': var('clv_min_repeat_customers')})) -%}
    {%- set queries = {
        'date': 'select as_of_date, slice_version from ' ~ relation_of('int_clv_fit_dates') ~ ' where is_open order by as_of_date',
        'bin': 'select as_of_date, measure, customers, repeat_count, last_purchase_age_days, age_days, repeat_net_revenue '
            ~ 'from ' ~ relation_of('int_clv_fit_stats'),
    } -%}
    {%- for kind, query in queries.items() -%}
        {%- for row in run_query(query).rows -%}
            {%- set texts = [] -%}
            {%- for value in row.values() -%}
                {%- do texts.append(value | string) -%}
            {%- endfor -%}
            {%- do print('clv ' ~ tojson({kind: texts})) -%}
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro %}
