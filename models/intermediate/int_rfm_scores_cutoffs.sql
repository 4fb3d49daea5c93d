{{ config(materialized="view") }} -- only the method that the var chooses is worth its rows

with facts as (

    select * from {{ ref('int_customer_facts') }}
    where order_count > 0

),

cutoffs as (

    select * from {{ ref('rfm_cutoffs') }}

),

{% set measures = {'recency_days': false, 'frequency': true, 'monetary': true} -%}
scored as (

    select
        facts.as_of_date,
        facts.customer_id,
        {% for measure, higher_is_better in measures.items() -%}
            {{ cutoff_score(
                'facts.' ~ measure,
                measure ~ '_cutoffs.score_2', measure ~ '_cutoffs.score_3',
                measure ~ '_cutoffs.score_4', measure ~ '_cutoffs.score_5',
                higher_is_better
            ) }} as {{ measure | replace('_days', '') }}_score{{ ',' if not loop.last }}
        {% endfor %}
    from facts
    {% for measure in measures -%}
    inner join cutoffs as {{ measure }}_cutoffs on {{ measure }}_cutoffs.measure = '{{ measure }}'
    {% endfor %}
)

select * from scored
