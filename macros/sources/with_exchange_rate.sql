{#-
  Rows in several currencies, with their exchange rates, as a subquery.

  Arguments   typed               CTE or subquery with currency, in upper case
              day                 its column with the date; the rate is that of the day
              reporting_currency  var of that name
  Returns     subquery: its columns; is_foreign, whether the amount must be converted; exchange_rate of
              stg_daily_exchange_rates, null where no conversion is needed or no rate is valid on that day; has_rates,
              whether the currency has a rate on any day; as many rows as before
-#}
{% macro with_exchange_rate(typed, day, reporting_currency) -%}
    (
        select
            typed_rows.*,
            typed_rows.currency <> '{{ reporting_currency | upper }}' as is_foreign,
            case
                when typed_rows.currency <> '{{ reporting_currency | upper }}' then rates.rate_to_reporting
            end as exchange_rate,
            currencies.currency is not null as has_rates
        from {{ typed }} as typed_rows
        left join {{ ref('stg_daily_exchange_rates') }} as rates
            on typed_rows.currency = rates.currency and cast(typed_rows.{{ day }} as date) = rates.rate_date
        left join (
            select distinct daily_rates.currency from {{ ref('stg_daily_exchange_rates') }} as daily_rates
        ) as currencies
            on typed_rows.currency = currencies.currency
    )
{%- endmacro %}
