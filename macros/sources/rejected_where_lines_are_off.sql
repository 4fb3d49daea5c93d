{#-
  Judged lines, with one more reason, lines_do_not_add_up, for every valid line of an order whose valid lines do not add
  up to the order. Only lines without another reason are summed; few orders do not add up, so the join back is cheap.

  Arguments   judged     CTE with order_id, net_amount, order_amount (the same for all lines of an order) and own_reasons
              tolerance  largest allowed difference, in the order's own currency; none: not checked
  Returns     subquery: its columns, and reject_reasons
  Example     lines of 4.00 and 5.00 in an order of 10.00 are off at tolerance 0.99, and not at 1.00
-#}
{% macro rejected_where_lines_are_off(judged, tolerance) -%}
    (
        with orders_off as (
            select order_id
            from {{ judged }}
            where own_reasons = ''
            group by order_id
            having {{ '1 = 0' if tolerance is none else 'abs(sum(net_amount) - min(order_amount)) > ' ~ tolerance }}
        )

        select
            lines.*,
            case
                when lines.own_reasons = '' and orders_off.order_id is not null then 'lines_do_not_add_up'
                else lines.own_reasons
            end as reject_reasons
        from {{ judged }} as lines
        left join orders_off on lines.order_id = orders_off.order_id
        {{ evaluated_once() }}
    )
{%- endmacro %}
