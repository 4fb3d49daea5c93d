-- ring 3: a chance never falls from three to six to twelve months; if one customer has a chance, every customer with an
-- order has one; customers without an order have none
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
