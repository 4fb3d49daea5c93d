{#-
  A raw value in the contract's type of its column, as staging reads it; null where it cannot be read.

  Arguments   raw        SQL expression
              data_type  of models/staging/_sources.yml
  Returns     SQL expression; text for text
-#}
{% macro parsed_as(raw, data_type) -%}
    {%- set digits = modules.re.findall('\\d+', data_type) | map('int') | list -%}
    {%- if data_type in ['timestamp', 'date'] -%}
        {{ parsed_timestamp(raw) }}
    {%- elif data_type == 'boolean' -%}
        {{ parsed_boolean(raw) }}
    {%- elif data_type == 'integer' -%}
        {{ parsed_number(raw, 9, 0) }}
    {%- elif data_type.startswith('numeric') -%}
        {{ parsed_number(raw, digits[0], digits[1]) }}
    {%- else -%}
        {{ text_of(raw) }}
    {%- endif -%}
{%- endmacro %}
