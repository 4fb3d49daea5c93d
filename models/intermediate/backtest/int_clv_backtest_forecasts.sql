{{ config(materialized='view') }} -- read by int_clv_backtest_sums alone

with backtest as (

    select * from {{ ref('int_clv_backtest') }}

)

-- Forecasts are ranked as they are read, to the cent and to a ten-thousandth of a purchase: far fewer values to rank.
-- hindsight's forecast is the outcome itself: the best possible ranking of the customers
{% for measure, ranked_digits in {'purchases': 4, 'spend': 2}.items() -%}
{% for method in ['model', 'last_period', 'last_window', 'rfm_cell', 'hindsight'] -%}
{% set forecast = method ~ '_' ~ measure if method != 'hindsight' else 'actual_' ~ measure -%}
select
    as_of_date,
    '{{ method }}' as method, -- noqa: RF04
    '{{ measure }}' as measure,
    tier,
    cohort_quarter,
    cast({{ forecast }} as numeric(28, 12)) as forecast,
    cast(cast({{ forecast }} as numeric(18, {{ ranked_digits }})) as numeric(18, 4)) as ranked_forecast,
    {% if forecast == 'model_spend' -%}
    -- refunds exceed purchases: the spend counts as 0
    case
        when greatest(actual_spend, 0) >= model_spend_low and greatest(actual_spend, 0) <= model_spend_high then 1
        else 0
    end as within_interval,
    {%- else -%}
    cast(null as integer) as within_interval,
    {%- endif %}
    actual_{{ measure }} as actual
from backtest
where {{ forecast }} is not null
{{ 'union all' if not (measure == 'spend' and loop.last) }}
{% endfor -%}
{% endfor %}
