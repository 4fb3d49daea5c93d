{#-
  Typed rows, with the trading period and the test customers by which every dated source is judged, as a subquery.

  Arguments   typed      CTE or subquery
              customers  its columns that hold a customer, if any
  Returns     subquery: its columns, starts_on and ends_on of stg_trading_period, and with customers is_test, true where
              one of them is in stg_test_customers; as many rows as before
-#}
{% macro with_surroundings(typed, customers=[]) -%}
    (
        select
            typed_rows.*,
            {% if customers -%}
            (
                {%- for customer in customers -%}
                {{ ' or ' if not loop.first }}test_{{ customer }}.customer_id is not null
                {%- endfor -%}
            ) as is_test,
            {% endif -%}
            trading_period.starts_on,
            trading_period.ends_on
        from {{ typed }} as typed_rows
        {% for customer in customers -%}
        left join {{ ref('stg_test_customers') }} as test_{{ customer }}
            on typed_rows.{{ customer }} = test_{{ customer }}.customer_id
        {% endfor -%}
        cross join {{ ref('stg_trading_period') }} as trading_period
    )
{%- endmacro %}
