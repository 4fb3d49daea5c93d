{%- set columns = [
    'order_id', 'line_number', 'product_id', 'quantity', 'net_amount', 'category', 'department', 'discount_amount',
    'cost_amount',
] -%}
{%- set order_id = text_of('raw_order_id') -%}
{%- set line_number = parsed_number('raw_line_number', 9, 0) -%}
{%- set key = dbt.concat([order_id, "'|'", 'cast(' ~ line_number ~ ' as ' ~ dbt.type_string() ~ ')']) -%}
{%- set numbers = ['line_number', 'quantity', 'net_amount', 'discount_amount', 'cost_amount'] -%}
{%- set tolerance = var('line_total_tolerance') -%}
with source as (

    select * from {{ raw_copies('order_items', columns, key) }} as copies

),

good_orders as (

    select * from {{ ref('stg_orders') }}
    where reject_reasons = ''

),

bad_orders as (

    select distinct order_id from {{ ref('stg_orders') }}
    where reject_reasons <> ''

),

typed as (

    select
        *,
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
    {{ evaluated_once() }}

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
                ['net_amount'], ['discount_amount', 'cost_amount'], var('max_amount'), 'net_amount < 0'
            ),
            'unknown_order': 'order_id is not null and not has_order and not has_rejected_copy',
            'order_rejected': 'order_id is not null and not has_order and has_rejected_copy',
        }) }} as own_reasons
    from known

),

-- only lines that are good by themselves are summed; few orders do not add up, so the join back is cheap
orders_off as (

    select order_id
    from judged_alone
    where own_reasons = ''
    group by order_id
    having
        {{ '1 = 0' if tolerance is none else 'abs(sum(net_amount) - min(order_amount)) > ' ~ tolerance }}

),

judged as (

    select
        judged_alone.*,
        case
            when judged_alone.own_reasons = '' and orders_off.order_id is not null then 'lines_do_not_add_up'
            else judged_alone.own_reasons
        end as reject_reasons
    from judged_alone
    left join orders_off on judged_alone.order_id = orders_off.order_id
    {{ evaluated_once() }}

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
    case when reject_reasons <> '' then row_key end as row_key,
    reject_reasons,
    case when reject_reasons <> '' then {{ json_of_row(columns) }} end as raw_row
from judged
