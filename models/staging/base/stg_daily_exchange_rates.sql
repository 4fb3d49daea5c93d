with rates as (

    select * from {{ ref('stg_exchange_rates') }}
    where reject_reasons = ''

),

ages as (

    {% for age in range(var('exchange_rate_max_age_days') + 1) -%}
    select {{ age }} as age_days
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

followed as (

    select
        currency,
        rate_date,
        rate_to_reporting,
        lead(rate_date) over (partition by currency order by rate_date) as next_rate_date
    from rates

),

aged as (

    select
        followed.currency,
        cast({{ dbt.dateadd('day', 'ages.age_days', 'followed.rate_date') }} as date) as rate_date,
        followed.rate_to_reporting,
        followed.next_rate_date
    from followed
    cross join ages

)

select
    currency,
    rate_date,
    rate_to_reporting
from aged
where next_rate_date is null or rate_date < next_rate_date
