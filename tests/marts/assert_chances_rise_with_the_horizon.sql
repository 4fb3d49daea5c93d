-- ring 3: who orders within three months does so within six and twelve; a chance is there for everybody with an order
-- as soon as there is one for anybody; who never ordered has none
select
    as_of_date,
    customer_id,
    p_order_3m,
    p_order_6m,
    p_order_12m,
    p_order_state,
    churn_risk
from {{ ref('customer_value_history') }}
where
    p_order_3m > p_order_6m
    or p_order_6m > p_order_12m
    or p_order_3m > p_order_12m
    or (p_order_state = 'no order yet') <> (order_count = 0)
    or order_count = 0 and (p_order_3m is not null or p_order_12m is not null or churn_risk is not null)
    or order_count > 0 and (p_order_3m is null) <> (p_order_state like '3m none%')
    or p_order_3m is null and churn_risk is not null
