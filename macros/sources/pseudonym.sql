{#-
  A personal value as a keyed hash: without this database's own key nobody can find the value, or try values against the
  hash. It is the md5 of the key and the md5 of the key and the value. The query reads the key from the table
  operations.pseudonym_key (scripts/set_key.py), so that the key is in no compiled SQL and no log.

  Arguments   value  SQL expression, text
  Returns     text of 32 hexadecimal digits, null for null; the same in every build with the same key. Null without a
              key: check_vars then ends the run before the value is used
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
