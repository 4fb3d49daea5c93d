{#-
  One line for check_vars when a var does not hold one of its legal values.

  Arguments   name   name of the var
              legal  list of the values that it may hold
  Returns     list: empty, or one sentence that names the legal values and what came
-#}
{% macro require_one_of(name, legal) -%}
    {{ return([] if var(name) in legal else [
        'var ' ~ name ~ ' must be one of ' ~ legal | join(', ') ~ '; it is ' ~ var(name) | string
    ]) }}
{%- endmacro %}
