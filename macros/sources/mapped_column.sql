{#-
  The column that an entry of var source_map names, if the entry is a column and no expression.

  Arguments   expression  the entry for a contract column: text, or the YAML value of another type
  Returns     name of the column, lower case, without quotes; none for an expression, a constant, a row id
              of the engine (rowid, ctid) or an empty entry
  Example     'Placed_At' gives 'placed_at', '"Order Date"' gives 'order date'; 'cents / 100.0', 1 and 'null' give none
-#}
{% macro mapped_column(expression) -%}
    {%- set text = expression | string | trim -%}
    {%- set constants = ['null', 'true', 'false', 'localtimestamp', 'rowid', 'ctid'] -%}
    {%- if modules.re.fullmatch('[A-Za-z_][A-Za-z0-9_$]*', text) and text | lower not in constants
        and not (text | lower).startswith('current_') and expression is string -%}
        {{ return(text | lower) }}
    {%- elif modules.re.fullmatch('"[^"]+"|`[^`]+`', text) -%}
        {{ return(text[1:-1] | lower) }}
    {%- endif -%}
    {{ return(none) }}
{%- endmacro %}
