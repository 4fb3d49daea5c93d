{#-
  Whether a customer is a test by the company's rules: vars test_email_patterns (SQL like, on the e-mail in lower
  case) and test_customer_ids.

  Arguments   customer_id, email  SQL expressions; text or null
  Returns     boolean, never null
-#}
{% macro is_test_customer(customer_id, email) -%}
    (false
    {%- for pattern in var('test_email_patterns') %}
        or coalesce({{ email_key(email) }} like {{ sql_strings([pattern]) }}, false)
    {%- endfor %}
    {%- if var('test_customer_ids') %}
        or coalesce({{ customer_id }} in ({{ sql_strings(var('test_customer_ids')) }}), false)
    {%- endif %})
{%- endmacro %}
