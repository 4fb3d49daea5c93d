-- An order whose status stands in neither var is left out of every number, so somebody should know. A warning: the
-- remedy is to put the status into sale_statuses or other_statuses.
{{ config(severity='warn') }}
select
    status,
    count(*) as orders,
    sum(gross_amount - discount_amount) as amount
from {{ ref('stg_orders') }}
where
    status not in (
        {{ sql_strings(var('sale_statuses') + var('other_statuses')) }}
    )
group by status
