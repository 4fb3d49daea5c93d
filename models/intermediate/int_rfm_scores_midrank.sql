{{ config(materialized="view") }} -- only the method that the var chooses is worth its rows

with facts as (

    select * from {{ ref('int_customer_facts') }}
    where order_count > 0

),

value_ranks as (

    select
        as_of_date,
        measure,
        score_basis,
        {{ midrank_score('customers_worse', 'customers_equal', 'customers_total') }} as score
    from {{ ref('int_rfm_value_ranks') }}

),

score_bases as (

    select
        as_of_date,
        customer_id,
        {% for measure, score_basis in rfm_score_bases().items() -%}
            {{ score_basis }} as {{ measure }}_basis{{ ',' if not loop.last }}
        {% endfor %}
    from facts

)

select
    score_bases.as_of_date,
    score_bases.customer_id,
    {% for measure in rfm_score_bases() -%}
        {{ measure }}_ranks.score as {{ measure }}_score{{ ',' if not loop.last }}
    {% endfor %}
from score_bases
{% for measure in rfm_score_bases() -%}
inner join value_ranks as {{ measure }}_ranks
    on
        score_bases.as_of_date = {{ measure }}_ranks.as_of_date
        and score_bases.{{ measure }}_basis = {{ measure }}_ranks.score_basis
        and {{ measure }}_ranks.measure = '{{ measure }}'
{% endfor %}
