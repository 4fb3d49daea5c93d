{#-
  Lines for check_vars when scripts/customer_value/publish/publication_rules.py cannot use var publication_rules.

  Returns     list of sentences that name the legal values and what came; empty when there is nothing to say
-#}
{% macro require_publication_rules() -%}
    {%- set rules, problems = var('publication_rules'), [] -%}
    {%- set flags = ['earlier_as_of_date', 'emptied_sources'] -%}
    {%- set shares = [
        'fallen_month', 'closed_months', 'settled_months', 'vanished_orders', 'rejected_by_fault', 'rejected_by_policy',
    ] -%}
    {%- if rules is not mapping or rules | sort != (flags + shares) | sort -%}
        {%- do problems.append(
            'var publication_rules must name ' ~ (flags + shares) | join(', ') ~ ', all of them and nothing else; it is '
            ~ rules | string
        ) -%}
        {{ return(problems) }}
    {%- endif -%}
    {%- for rule, limits in rules.items() if limits is not none -%}
        {%- if rule in flags and limits not in ['stop', 'report'] -%}
            {%- do problems.append(
                'var publication_rules must have ' ~ rule ~ ': stop, report or null; it has ' ~ limits | string
            ) -%}
        {%- elif rule in shares -%}
            {%- set is_list = limits is not string and limits is sequence and limits is not mapping -%}
            {%- set given = (limits if is_list else [limits]) | reject('none') | list -%}
            {%- set are_shares = not given | reject('number') | list and not given | select('boolean') | list
                and (not given or (given | min > 0 and given | max <= 1 and given == given | sort)) -%}
            {%- if not is_list or limits | length != 2 or not are_shares -%}
                {%- do problems.append(
                    'var publication_rules must have ' ~ rule ~ ': [report from, stop from], rising shares above 0 and '
                    ~ 'up to 1, each or all null; it has ' ~ limits | string
                ) -%}
            {%- endif -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(problems) }}
{%- endmacro %}
