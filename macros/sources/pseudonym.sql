{#-
  A personal value as a text that nobody can go back from, or try values against, without the store's own key: md5 of
  the key and the md5 of the key and the value, as a keyed hash nests them. The key is read where the query runs, from
  the table operations.pseudonym_key (scripts/set_key.py), so that it stands in no compiled SQL and no log.

  Arguments   value  SQL expression, text
  Returns     text of 32 hexadecimal digits, null for null; the same in every build with the same key. Null without a
              key: check_vars then ends the run before it is used
  Example     key 'k', value 'ada@example.com': md5('k' || md5('kada@example.com'))
-#}
{% macro pseudonym(value) -%}
    {%- set relation = source('privacy', 'pseudonym_key') -%}
    {%- if relation.type == 'cte' or (execute and load_relation(relation) is not none) -%}
        {%- set key = '(select max(pseudonym_key.secret) from ' ~ relation ~ ' as pseudonym_key)' -%}
        md5({{ dbt.concat([key, 'md5(' ~ dbt.concat([key, value]) ~ ')']) }})
    {%- else -%}
        cast(null as {{ dbt.type_string() }})
    {%- endif -%}
{%- endmacro %}
