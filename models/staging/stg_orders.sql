{%- set columns = [
    'order_id', 'customer_id', 'ordered_at', 'gross_amount', 'discount_amount', 'shipping_amount', 'cost_amount',
    'currency', 'status', 'channel', 'store_id', 'campaign_id', 'payment_method', 'promised_at', 'shipped_at',
    'delivered_at', 'updated_at', 'customer_email', 'credited_order_id',
] -%}
{%- set later_times = ['promised_at', 'shipped_at', 'delivered_at'] -%}
{%- set amounts = ['gross_amount', 'discount_amount', 'shipping_amount', 'cost_amount'] -%}
with source as (

    select * from {{ raw_copies('orders', columns, text_of('raw_order_id'), parsed_timestamp('raw_updated_at')) }} as c

),

typed as (

    select
        *,
        row_key as order_id,
        {{ parsed_timestamp('raw_ordered_at') }} as ordered_at,
        {% for amount in amounts -%}
        {{ parsed_number('raw_' ~ amount) }} as {{ amount }},
        {% endfor -%}
        coalesce(upper({{ text_of('raw_currency') }}), '{{ var("reporting_currency") | upper }}') as currency,
        replace(replace(lower({{ text_of('raw_status') }}), ' ', '_'), '-', '_') as status,
        {% for name in ['customer_id', 'channel', 'store_id', 'campaign_id', 'payment_method', 'credited_order_id'] -%}
        {{ text_of('raw_' ~ name) }} as {{ name }},
        {% endfor -%}
        {% for time in later_times + ['updated_at'] -%}
        {{ parsed_timestamp('raw_' ~ time) }} as {{ time }},
        {% endfor -%}
        {{ email_key(text_of('raw_customer_email')) }} as customer_email
    from source
    {{ evaluated_once() }}

),

known as (

    select
        *,
        cast(ordered_at as date) as order_date,
        coalesce(status in ({{ sql_strings(var('sale_statuses')) }}), true) as is_sale -- also without a status
    from {{ with_surroundings(
        with_exchange_rate('typed', 'ordered_at', var('reporting_currency')), customers=['customer_id']
    ) }} as known_rows

),

judged_alone as (

    select
        *,
        {{ reject_reasons({
            'missing_key': 'order_id is null',
            'missing_value': missing(['ordered_at', 'gross_amount']),
            'superseded': 'copy_number > 1',
            'unparseable_date': unparsed(['ordered_at', 'updated_at'] + later_times),
            'unparseable_number': unparsed(amounts, is_number=true),
            'not_finite': not_finite(amounts),
            'amount_out_of_range': out_of_range(['gross_amount'], amounts[1:], var('max_amount'), 'gross_amount < 0'),
            'future_date': 'order_date > ends_on',
            'before_business_began': 'order_date < starts_on',
            'dates_out_of_order': 'gross_amount >= 0 and ' ~ any_before(later_times, 'order_date'),
            'unknown_status': 'status not in (' ~ sql_strings(var('sale_statuses') + var('other_statuses')) ~ ')',
            'unknown_currency': 'is_foreign and not has_rates',
            'missing_rate': 'is_foreign and has_rates and exchange_rate is null and order_date is not null',
            'test_customer': 'is_test',
            'guest_order': "customer_id is null and '" ~ var('guest_orders') ~ "' = 'rejected'",
        }) }} as own_reasons
    from known
    {{ evaluated_once() }}

)

select
    order_id,
    customer_id,
    ordered_at,
    order_date,
    gross_amount,
    cast(coalesce(discount_amount, 0) as numeric(18, 2)) as discount_amount,
    shipping_amount,
    cost_amount,
    currency,
    cast(exchange_rate as numeric(18, 8)) as exchange_rate,
    status,
    is_sale,
    channel,
    store_id,
    campaign_id,
    payment_method,
    promised_at,
    shipped_at,
    delivered_at,
    customer_email,
    case when gross_amount < 0 then credited_order_id end as credited_order_id,
    case when reject_reasons <> '' then row_key end as row_key,
    reject_reasons,
    case when reject_reasons <> '' then {{ json_of_row(columns) }} end as raw_row
from {{ rejected_with_its_order('judged_alone') }} as judged
