{%- set columns = [
    'order_id', 'line_number', 'product_id', 'quantity', 'net_amount', 'category', 'department', 'discount_amount',
    'cost_amount',
] -%}
{%- set order_id = text_of('raw_order_id') -%}
{%- set line_number = parsed_number('raw_line_number', 9, 0) -%}
{%- set key = dbt.concat([order_id, "'|'", 'cast(' ~ line_number ~ ' as ' ~ dbt.type_string() ~ ')']) -%}
{%- set numbers = ['line_number', 'quantity', 'net_amount', 'discount_amount', 'cost_amount'] -%}
with source as (

    select * from {{ raw_copies('order_items', columns, key) }} as copies

),

orders as (

    select * from {{ ref('stg_orders') }}

),

good_orders as (

    select * from orders
    where reject_reasons = ''

),

bad_orders as (

    select distinct order_id from orders
    where reject_reasons <> ''

),

typed as (

    select
        source.*,
        {{ order_id }} as order_id,
        cast({{ line_number }} as integer) as line_number,
        {{ text_of('raw_product_id') }} as product_id,
        {{ parsed_number('raw_quantity', 18, 3) }} as quantity,
        {{ parsed_number('raw_net_amount') }} as net_amount,
        {{ text_of('raw_category') }} as category,
        {{ text_of('raw_department') }} as department,
        {{ parsed_number('raw_discount_amount') }} as discount_amount,
        {{ parsed_number('raw_cost_amount') }} as cost_amount
    from source

),

known as (

    select
        typed.*,
        good_orders.order_id is not null as has_order,
        bad_orders.order_id is not null as has_rejected_copy,
        good_orders.gross_amount - good_orders.discount_amount as order_amount
    from typed
    left join good_orders on typed.order_id = good_orders.order_id
    left join bad_orders on typed.order_id = bad_orders.order_id

),

judged_alone as (

    select
        *,
        {{ reject_reasons({
            'missing_key': missing(['order_id', 'line_number']),
            'missing_value': missing(['product_id', 'quantity', 'net_amount']),
            'superseded': 'copy_number > 1',
            'unparseable_number': unparsed(numbers, is_number=true),
            'not_finite': not_finite(numbers),
            'amount_out_of_range': out_of_range(
                ['net_amount'], ['discount_amount', 'cost_amount'], var('max_amount')
            ),
            'unknown_order': 'order_id is not null and not has_order and not has_rejected_copy',
            'order_rejected': 'order_id is not null and not has_order and has_rejected_copy',
        }) }} as own_reasons
    from known

),

-- only lines that are good by themselves are summed
line_totals as (

    select
        order_id,
        sum(net_amount) as net_amount
    from judged_alone
    where own_reasons = ''
    group by order_id

),

judged as (

    select
        judged_alone.*,
        case
            when
                own_reasons = ''
                and abs(line_totals.net_amount - judged_alone.order_amount) > {{ var('line_total_tolerance') }}
                then 'lines_do_not_add_up'
            else own_reasons
        end as reject_reasons
    from judged_alone
    left join line_totals on judged_alone.order_id = line_totals.order_id

)

select
    order_id,
    line_number,
    product_id,
    quantity,
    net_amount,
    category,
    department,
    discount_amount,
    cost_amount,
    row_key,
    reject_reasons,
    case when reject_reasons <> '' then {{ json_of_row(columns) }} end as raw_row
from judged
