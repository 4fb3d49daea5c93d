{%- set columns = [
    'order_id', 'line_number', 'product_id', 'quantity', 'net_amount', 'category', 'department', 'brand',
    'is_private_label', 'discount_amount', 'cost_amount',
] -%}
{%- set order_id = text_of('raw_order_id') -%}
{%- set line_number = parsed_number('raw_line_number', 9, 0) -%}
{%- set key = dbt.concat([order_id, "'|'", 'cast(' ~ line_number ~ ' as ' ~ dbt.type_string() ~ ')']) -%}
{%- set numbers = ['line_number', 'quantity', 'net_amount', 'discount_amount', 'cost_amount'] -%}
with source as (

    select * from {{ raw_copies('order_items', columns, key) }} as copies

),

order_verdicts as (

    select * from {{ ref('stg_order_verdicts') }}

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
        {{ text_of('raw_brand') }} as brand,
        {{ parsed_boolean('raw_is_private_label') }} as is_private_label,
        {{ parsed_number('raw_discount_amount') }} as discount_amount,
        {{ parsed_number('raw_cost_amount') }} as cost_amount
    from source
    {{ evaluated_once() }}

),

known as (

    select
        typed.*,
        order_verdicts.is_accepted as order_is_accepted,
        order_verdicts.order_amount
    from typed
    left join order_verdicts on typed.order_id = order_verdicts.order_id

),

judged_alone as (

    select
        *,
        {{ reject_reasons({
            'missing_key': missing(['order_id', 'line_number']),
            'missing_value': missing(['product_id', 'quantity', 'net_amount']),
            'superseded': 'copy_number > 1',
            'unparseable_number': unparsed(numbers, is_number=true),
            'unparseable_boolean': unparsed(['is_private_label']),
            'not_finite': not_finite(numbers),
            'amount_out_of_range': out_of_range(
                ['net_amount'], ['discount_amount', 'cost_amount'], var('max_amount'), 'net_amount < 0'
            ),
            'unknown_order': 'order_id is not null and order_is_accepted is null',
            'order_rejected': 'not order_is_accepted',
        }) }} as own_reasons
    from known

)

select
    order_id,
    line_number,
    product_id,
    quantity,
    net_amount,
    category,
    department,
    brand,
    is_private_label,
    discount_amount,
    cost_amount,
    case when reject_reasons <> '' then row_key end as row_key,
    reject_reasons,
    case when reject_reasons <> '' then {{ json_of_row(columns) }} end as raw_row
from {{ rejected_where_lines_are_off('judged_alone', var('line_total_tolerance')) }} as judged
