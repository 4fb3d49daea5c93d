{#-
  An e-mail in the form in which e-mails are compared: lower case and composed (Unicode NFC), so that e with an accent
  is the same however it was typed. Spark cannot compose accents: there the e-mail is only in lower case.

  Arguments   email  SQL expression, text without blanks around it
  Returns     text, null for null
  Example     'Rene' and a combining acute accent and '@X.org' gives 'rené@x.org'
-#}
{% macro email_key(email) -%}
    {{ return(adapter.dispatch('email_key', 'customer_value_warehouse')(email)) }}
{%- endmacro %}

{% macro default__email_key(email) -%}
    lower(nfc_normalize({{ email }}))
{%- endmacro %}

{% macro postgres__email_key(email) -%}
    lower(normalize({{ email }}, nfc))
{%- endmacro %}

{% macro spark__email_key(email) -%}
    lower({{ email }})
{%- endmacro %}
