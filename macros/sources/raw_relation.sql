{#-
  One raw table under the contract's names, as a subquery: the only reader of vars source_map and has_<source>.

  Arguments   source_name  table of models/staging/_sources.yml
              columns      its contract columns
  Returns     subquery with a column raw_<column> for each: the company's own column or expression where var
              source_map names one, null (text) where it names others but not this one; no rows, all null, where
              has_<source> is false
  Example     source_map {refunds: {table: credits, columns: {refund_id: id, amount: "cents / 100.0", ...}}} gives
              (select id as raw_refund_id, cents / 100.0 as raw_amount, ... from raw.credits)
-#}
{% macro raw_relation(source_name, columns) -%}
    {%- set is_absent = not var('has_' ~ source_name, true) -%}
    {%- set mapped = var('source_map').get(source_name, {}).get('columns') -%}
    (
        select
        {%- for column in columns %}
            {% if is_absent or (mapped and mapped.get(column) is none) -%}
                cast(null as {{ dbt.type_string() }})
            {%- else -%}
                {{ mapped[column] if mapped else column }}
            {%- endif %} as raw_{{ column }}
            {%- if not loop.last %},{% endif %}
        {%- endfor %}
        {%- if is_absent %}
        where 1 = 0
        {%- else %}
        from {{ source('raw', source_name) }}
        {%- endif %}
    )
{%- endmacro %}
