{#-
  Unreadable values of a column of times, for a message: at most three, and only values that look like a date, so that
  nothing else that is in the column by mistake is shown. A day of birth is never shown.

  Arguments   source_name  table of models/staging/_sources.yml
              column       contract column that the raw table has
              data_type    of models/staging/_sources.yml
  Returns     list of texts, in alphabetical order; empty for a column that is no time, and where no value looks like
              a date
  Example     ['14/11/2023 13:15', '15/11/2023 20:15']
-#}
{% macro arrival_examples(source_name, column, data_type) -%}
    {%- set examples = [] -%}
    {%- if data_type in ['timestamp', 'date'] and column != 'birth_date' -%}
        {%- set table = run_query(
            'select distinct ' ~ text_of('raw_' ~ column) ~ ' as example from ' ~ raw_relation(source_name, [column])
            ~ ' as raw_rows where ' ~ parsed_timestamp('raw_' ~ column) ~ ' is null and '
            ~ text_of('raw_' ~ column) ~ ' is not null order by 1 limit 100'
        ) -%}
        {%- for row in table.rows if is_like_a_date(row[0] | string) -%}
            {%- do examples.append(row[0] | string) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(examples[:3]) }}
{%- endmacro %}

{#-
  Whether a text looks like a date: day, month and year in some order, perhaps a time of day and a zone.

  Arguments   text  the text
  Returns     boolean
  Example     14/11/2023 13:15, Nov 14, 2023 and 14.11.23 1:15 PM CET are, +49 170 1234567 and 14112023 are not
-#}
{% macro is_like_a_date(text) -%}
    {%- set month = '(?:jan|feb|mar|apr|may|jun|jul|aug|sept?|oct|nov|dec|january|february|march|april|june|july|august'
        ~ '|september|october|november|december)' -%}
    {%- set weekday = '(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?,? )?' -%}
    {%- set day = '(?:\d{1,2}([-/.])(?:\d{1,2}|' ~ month ~ ')\\1(?:\d{2}|\d{4})|\d{4}([-/.])\d{1,2}\\2\d{1,2}'
        ~ '|\d{1,2}[. ] ?' ~ month ~ ',? \d{4}|' ~ month ~ ' \d{1,2},? \d{4})' -%}
    {%- set zone = '(?: ?(?:z|utc|gmt|[acemp][sd]t|(?:ce|ee|we)s?t|ae[sd]t|bst|ist|msk|jst'
        ~ '|(?:utc|gmt)?[+-]\d{1,2}:?(?:\d{2})?))?' -%}
    {%- set time = '(?:(?:t|,? )\d{1,2}[:.h]\d{2}(?:[:.]\d{2}(?:[.,]\d{1,9})?)?(?: ?[ap]m)?' ~ zone ~ ')?' -%}
    {{ return(modules.re.fullmatch(weekday ~ day ~ time, text, modules.re.IGNORECASE) is not none) }}
{%- endmacro %}
