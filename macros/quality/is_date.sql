{#-
  Whether a text is a valid date, written YYYY-MM-DD.

  Arguments   text  the text
  Returns     boolean
  Example     2024-02-29 is a valid date, 2023-02-29 is not
-#}
{% macro is_date(text) -%}
    {%- set parts = modules.re.fullmatch('(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])', text) -%}
    {%- if not parts -%} {{ return(false) }} {%- endif -%}
    {%- set first = modules.datetime.date(parts.group(1) | int, parts.group(2) | int, 1) -%}
    {%- set day = first + modules.datetime.timedelta(days=(parts.group(3) | int) - 1) -%}
    {{ return(day.month == first.month) }}
{%- endmacro %}
