{#-
  The characters that count as blanks around a text: spaces of every width, tabs and line ends, and characters without a
  width (zero width space and joiners, byte order mark, soft hyphen, marks of the direction of writing).
  scripts/customer_value/privacy/personal_rows.py has the same list in BLANKS.

  Returns     text of these characters
-#}
{% macro blank_characters() -%}
    {{ return(' \t\n\x0b\x0c\r\x85\u00a0\u00ad\u1680\u180e\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u202f\u205f\u2060\u2066\u2067\u2068\u2069\u3000\ufeff') }}
{%- endmacro %}
