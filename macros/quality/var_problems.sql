{#-
  Lines for check_vars when a var breaks its rule.

  Arguments   name  name of the var
              rule  rule in project_vars
  Returns     list of sentences that name the legal values and what came; empty when there is nothing to say
-#}
{% macro var_problems(name, rule) -%}
    {%- set value, problems = var(name), [] -%}
    {%- set is_list = value is sequence and value is not string and value is not mapping -%}
    {%- set it_is = '; it is ' ~ value | string -%}
    {%- if value is none and rule.or_null -%}
        {#- says what it is to say -#}
    {%- elif rule.one_of -%}
        {%- do problems.extend(require_one_of(name, rule.one_of)) -%}
    {%- elif rule.number -%}
        {%- set maximum = rule.number[1] if rule.number | length > 1 else none -%}
        {%- do problems.extend(require_number(name, rule.number[0], maximum, rule.whole or false)) -%}
    {%- elif rule.pattern and not modules.re.fullmatch(rule.pattern, value | string) -%}
        {%- do problems.append('var ' ~ name ~ ' must be ' ~ rule.must_be ~ it_is) -%}
    {%- elif rule.date and not is_date(value | string) -%}
        {%- do problems.append('var ' ~ name ~ ' must be a date, YYYY-MM-DD' ~ it_is) -%}
    {%- elif rule.list_of == 'months' -%}
        {%- if not is_list or not value or value | select('integer') | list != value | list
            or value | min < 1 or value | max > 120 or value | sort | unique | list != value | list -%}
            {%- do problems.append('var ' ~ name ~ ' must be a rising list of whole months, 1 to 120' ~ it_is) -%}
        {%- endif -%}
    {%- elif rule.list_of and not is_list -%}
        {%- do problems.append('var ' ~ name ~ ' must be a list of ' ~ rule.list_of ~ it_is) -%}
    {%- elif rule.list_of == 'statuses' -%}
        {%- for status in value if status != status | lower | replace(' ', '_') | replace('-', '_') -%}
            {%- do problems.append(
                'var ' ~ name ~ ' must hold statuses in lower case with underscores; it holds ' ~ status
            ) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(problems) }}
{%- endmacro %}
