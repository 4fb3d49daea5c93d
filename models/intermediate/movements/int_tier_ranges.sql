{%- set tier_kinds = {'published': 'tier', 'raw': 'raw_tier'} -%}
with history as (

    select
        as_of_date,
        customer_id,
        tier,
        raw_tier,
        opening_tier,
        opening_raw_tier
    from {{ ref('customer_value_history') }}
    where
        tier is distinct from opening_tier
        or raw_tier is distinct from opening_raw_tier

),

-- a range begins where the tier differs from the tier at the opening
starts as (

    {% for tier_kind, tier in tier_kinds.items() -%}
    select
        '{{ tier_kind }}' as tier_kind,
        customer_id,
        {{ tier }} as tier,
        as_of_date as valid_from
    from history
    where {{ tier }} is distinct from opening_{{ tier }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    tier_kind,
    customer_id,
    tier,
    valid_from,
    lead(valid_from) over (partition by tier_kind, customer_id order by valid_from asc) as valid_to,
    lag(tier) over (partition by tier_kind, customer_id order by valid_from asc) as tier_before,
    lag(valid_from) over (partition by tier_kind, customer_id order by valid_from asc) as valid_from_before,
    lag(tier, 2) over (partition by tier_kind, customer_id order by valid_from asc) as tier_two_before
from starts
