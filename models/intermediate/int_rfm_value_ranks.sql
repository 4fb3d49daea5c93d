with facts as (

    select * from {{ ref('int_customer_facts') }}
    where order_count > 0

),

-- one row per distinct value instead of one per customer: far fewer to rank, and equals stay together by construction
distinct_values as (

    {% for measure, score_basis in rfm_score_bases().items() -%}
    select
        as_of_date,
        '{{ measure }}' as measure,
        {{ score_basis }} as score_basis,
        count(*) as customers_equal
    from facts
    group by as_of_date, {{ score_basis }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select
    as_of_date,
    measure,
    score_basis,
    cast(customers_equal as integer) as customers_equal,
    cast(coalesce(sum(customers_equal) over (
        partition by as_of_date, measure order by score_basis asc
        rows between unbounded preceding and 1 preceding
    ), 0) as integer) as customers_worse,
    cast(sum(customers_equal) over (partition by as_of_date, measure) as integer) as customers_total
from distinct_values
