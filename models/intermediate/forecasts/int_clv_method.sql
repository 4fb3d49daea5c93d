{{ config(materialized='view') }} -- one row

with backtest as (

    select * from {{ ref('clv_backtest') }}
    where bucket_type = 'all' and measure = 'spend'

),

-- origins at which both methods have rows; all of their holdouts are over
compared as (

    select
        modelled.as_of_date,
        cast(modelled.customers as {{ type_double() }}) as customers,
        modelled.rmse as model_rmse,
        last_window.rmse as last_window_rmse
    from backtest as modelled
    inner join backtest as last_window on modelled.as_of_date = last_window.as_of_date
    where modelled.method = 'model' and last_window.method = 'last_window'

),

-- decimals, so that a sum does not depend on the order of its rows
pooled as (

    select
        cast(count(*) as integer) as origin_count,
        sqrt(cast(
            sum(cast(customers * model_rmse * model_rmse as numeric(38, 9))) / nullif(sum(customers), 0)
            as {{ type_double() }}
        )) as model_rmse,
        sqrt(cast(
            sum(cast(customers * last_window_rmse * last_window_rmse as numeric(38, 9))) / nullif(sum(customers), 0)
            as {{ type_double() }}
        )) as last_window_rmse
    from compared

)

select
    {% if var('clv_method') == 'auto' -%}
    case when last_window_rmse < model_rmse then 'last_window' else 'model' end as method, -- noqa: RF04
    {%- else -%}
    '{{ var("clv_method") }}' as method, -- noqa: RF04
    {%- endif %}
    origin_count,
    model_rmse,
    last_window_rmse
from pooled
