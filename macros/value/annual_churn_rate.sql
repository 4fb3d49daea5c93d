{#-
  Share of the customers lost over twelve months, at the churn rate of each month.

      annual churn rate = 1 - product of (1 - rate of the month)

  Arguments   monthly_rate  column, share of customers lost in the month of its row, 0 to 1; null: unknown
              month         column, the month of the row; there is a row for each month
              months_back   rows from the current one back to the last of the twelve months, 0 or more
  Returns     double, 0 to 1; null where there are no twelve rows, or one of their rates is unknown
  Example     one month in which 0.5 are lost, eleven in which nobody is: 0.5; two such months: 0.75
  Source      survival of independent periods; see expected_lifetime for the years that follow from it
-#}
{% macro annual_churn_rate(monthly_rate, month, months_back=0) -%}
    (1 -
        {%- for back in range(months_back, months_back + 12) %}
        {{ '* ' if not loop.first }}(1 - {{
            'lag(' ~ monthly_rate ~ ', ' ~ back ~ ') over (order by ' ~ month ~ ' asc)' if back else monthly_rate
        }})
        {%- endfor %}
    )
{%- endmacro %}
