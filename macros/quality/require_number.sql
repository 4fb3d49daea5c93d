{#-
  One line for check_vars when a var does not hold a number within its range.

  Arguments   name     name of the var
              minimum  smallest legal value
              maximum  largest legal value; none means no limit
              whole    true: only whole numbers
  Returns     list: empty, or one sentence that names the range and what came
-#}
{% macro require_number(name, minimum, maximum=none, whole=false) -%}
    {%- set value = var(name) -%}
    {#- infinity (.inf in YAML) less itself is not 0 #}
    {%- set is_legal = value is number and value is not boolean and value >= minimum and value - value == 0
        and (maximum is none or value <= maximum) and (not whole or value is integer) -%}
    {{ return([] if is_legal else [
        'var ' ~ name ~ ' must be a ' ~ ('whole ' if whole else '') ~ 'number of at least ' ~ minimum
        ~ (' and at most ' ~ maximum if maximum is not none else '') ~ '; it is ' ~ value | string
    ]) }}
{%- endmacro %}
