{%- set max_merges = 16 -%}
with links as (

    select * from {{ ref('stg_customer_merges') }}

),

-- one step further with every join: portable, unlike recursion
chains as (

    select
        links.customer_id,
        coalesce(
            {%- for step in range(max_merges - 1, 0, -1) %}
            step_{{ step }}.merged_into_customer_id,
            {%- endfor %}
            links.merged_into_customer_id
        ) as last_customer_id,
        step_{{ max_merges - 1 }}.merged_into_customer_id is not null as is_endless
    from links
    {% for step in range(1, max_merges) -%}
    left join links as step_{{ step }}
        on {{ 'links' if step == 1 else 'step_' ~ (step - 1) }}.merged_into_customer_id = step_{{ step }}.customer_id
    {% endfor %}
)

select
    customer_id,
    case when not is_endless then last_customer_id end as survivor_customer_id,
    is_endless
from chains
