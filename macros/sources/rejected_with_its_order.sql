{#-
  Judged orders, with the reasons that depend on the order that a credit note names: order_rejected is added to a valid
  credit note if no copy of that order is accepted; guest_order is removed if that order is an accepted sale, because
  the credit note then belongs to the customer of the sale. Few orders are named, so the look-up is cheap.

  Arguments   judged  CTE with order_id, gross_amount, is_sale, credited_order_id and own_reasons
  Returns     subquery: its columns, and reject_reasons
-#}
{% macro rejected_with_its_order(judged) -%}
    (
        with credited_orders as (
            select
                order_id,
                max(case when own_reasons = '' then 1 else 0 end) as is_accepted,
                max(case when own_reasons = '' and gross_amount >= 0 then 1 else 0 end) as has_customer
            from {{ judged }}
            where
                order_id in (
                    select notes.credited_order_id from {{ judged }} as notes
                    where notes.gross_amount < 0 and notes.credited_order_id is not null
                )
            group by order_id
        )

        select
            orders.*,
            case
                when orders.own_reasons = '' and orders.gross_amount < 0 and credited_orders.is_accepted = 0
                    then 'order_rejected'
                when
                    orders.own_reasons = 'guest_order'
                    and orders.gross_amount < 0
                    and orders.is_sale
                    and credited_orders.has_customer = 1
                    then ''
                else orders.own_reasons
            end as reject_reasons
        from {{ judged }} as orders
        left join credited_orders on orders.credited_order_id = credited_orders.order_id
        {{ evaluated_once() }}
    )
{%- endmacro %}
