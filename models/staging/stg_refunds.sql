{%- set columns = ['refund_id', 'order_id', 'refunded_at', 'amount'] -%}
with source as (

    select * from {{ raw_copies(
        'refunds', columns, text_of('raw_refund_id'), parsed_timestamp('raw_refunded_at')
    ) }} as copies

),

order_verdicts as (

    select * from {{ ref('stg_order_verdicts') }}

),

typed as (

    select
        *,
        row_key as refund_id,
        {{ text_of('raw_order_id') }} as order_id,
        {{ parsed_timestamp('raw_refunded_at') }} as refunded_at,
        {{ parsed_number('raw_amount') }} as amount
    from source
    {{ evaluated_once() }}

),

known as (

    select
        typed.*,
        cast(typed.refunded_at as date) as refund_date,
        order_verdicts.is_accepted as order_is_accepted,
        order_verdicts.paid_amount
    from {{ with_surroundings('typed') }} as typed
    left join order_verdicts on typed.order_id = order_verdicts.order_id

),

judged_alone as (

    select
        *,
        {{ reject_reasons({
            'missing_key': 'refund_id is null',
            'missing_value': missing(['order_id', 'refunded_at', 'amount']),
            'superseded': 'copy_number > 1',
            'unparseable_date': unparsed(['refunded_at']),
            'unparseable_number': unparsed(['amount'], is_number=true),
            'not_finite': not_finite(['amount']),
            'amount_out_of_range': out_of_range([], ['amount'], var('max_amount')),
            'future_date': 'refund_date > ends_on',
            'before_business_began': 'refund_date < starts_on',
            'unknown_order': 'order_id is not null and order_is_accepted is null',
            'order_rejected': 'not order_is_accepted',
        }) }} as own_reasons
    from known

),

-- in order of time, so that a later refund never rejects an earlier one
given_back as (

    select
        *,
        sum(case when own_reasons = '' then amount else 0 end) over (
            partition by order_id order by refunded_at, refund_id rows between unbounded preceding and current row
        ) as amount_so_far
    from judged_alone

),

judged as (

    select
        *,
        case
            when own_reasons = '' and amount > 0 and amount_so_far > paid_amount * {{ var('max_refund_share') }}
                then 'refund_above_order'
            else own_reasons
        end as reject_reasons
    from given_back
    {{ evaluated_once() }}

)

select
    refund_id,
    order_id,
    refund_date,
    amount,
    case when reject_reasons <> '' then row_key end as row_key,
    reject_reasons,
    case when reject_reasons <> '' then {{ json_of_row(columns) }} end as raw_row
from judged
