with backtest as (

    select * from {{ ref('int_clv_backtest') }}

),

-- hindsight forecasts what then came: the best order that there is
forecasts as (

    {% for measure in ['purchases', 'spend'] -%}
    {% for method in ['model', 'last_period', 'last_window', 'rfm_cell', 'hindsight'] -%}
    {% set forecast = method ~ '_' ~ measure if method != 'hindsight' else 'actual_' ~ measure -%}
    select
        as_of_date,
        '{{ method }}' as method, -- noqa: RF04
        '{{ measure }}' as measure,
        tier,
        cohort_quarter,
        cast({{ forecast }} as numeric(28, 12)) as forecast,
        {% if forecast == 'model_spend' -%}
        -- more came back than was bought: nothing spent
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
),

value_groups as (

    select
        as_of_date,
        method,
        measure,
        forecast,
        count(*) as customers,
        sum(actual) as actual
    from forecasts
    group by as_of_date, method, measure, forecast

),

cumulated as (

    select
        as_of_date,
        method,
        measure,
        forecast,
        customers,
        actual,
        sum(customers) over (
            partition by as_of_date, method, measure
            order by forecast asc rows between unbounded preceding and current row
        ) as customers_to_here,
        sum(customers) over (partition by as_of_date, method, measure) as customers_total,
        sum(actual) over (
            partition by as_of_date, method, measure
            order by forecast asc rows between unbounded preceding and current row
        ) as actual_to_here
    from value_groups

),

-- customers with the same forecast share a decile and, on the concentration curve, a straight piece
ranked as (

    select
        as_of_date,
        method,
        measure,
        forecast,
        {{ midrank_score('customers_to_here - customers', 'customers', 'customers_total', 10) }} as decile,
        cast(2 * actual_to_here - actual as numeric(28, 2)) as twice_height
    from cumulated

),

judged as (

    select
        forecasts.*,
        ranked.decile,
        ranked.twice_height,
        cast(forecasts.forecast - forecasts.actual as {{ type_double() }}) as error
    from forecasts
    inner join ranked
        on
            forecasts.as_of_date = ranked.as_of_date
            and forecasts.method = ranked.method
            and forecasts.measure = ranked.measure
            and forecasts.forecast = ranked.forecast

)

select
    as_of_date,
    method,
    measure,
    decile,
    tier,
    cohort_quarter,
    cast(count(*) as integer) as customers,
    sum(actual) as actual_total,
    sum(forecast) as forecast_total,
    sum(cast(error * error as numeric(38, 9))) as squared_error,
    cast(sum(within_interval) as integer) as within_interval,
    sum(cast(abs(error) as numeric(28, 12))) as absolute_error,
    sum(twice_height) as twice_area
from judged
group by as_of_date, method, measure, decile, tier, cohort_quarter
