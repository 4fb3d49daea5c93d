{%- set max_length = 16 -%}
with links as (

    select * from {{ ref('stg_referral_links') }}

),

-- one step further up with every join: portable, unlike recursion
ancestries as (

    select
        links.referred_customer_id,
        {% for step in range(2, max_length + 1) -%}
        step_{{ step }}.referrer_customer_id as ancestor_{{ step }},
        {% endfor -%}
        links.referrer_customer_id as ancestor_1
    from links
    {% for step in range(2, max_length + 1) -%}
    left join links as step_{{ step }}
        on
            {{ 'links' if step == 2 else 'step_' ~ (step - 1) }}.referrer_customer_id
            = step_{{ step }}.referred_customer_id
    {% endfor %}
)

select referred_customer_id
from ancestries
where
    referred_customer_id = ancestor_1
    {%- for step in range(2, max_length + 1) %}
    or referred_customer_id = ancestor_{{ step }}
    {%- endfor %}
