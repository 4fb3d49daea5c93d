with as_of_dates as (

    select * from {{ ref('int_as_of_dates') }}

),

ledger as (

    select * from {{ ref('int_ledger') }}

),

customers as (

    select * from {{ ref('int_customers') }}

),

-- what was known on the date, and in which window its order stands
known_entries as (

    select
        as_of_dates.as_of_date,
        ledger.customer_id,
        ledger.order_date,
        ledger.entry_type = 'sale' as is_sale,
        ledger.order_date > as_of_dates.window_starts_after as is_in_window,
        ledger.order_date > as_of_dates.previous_window_starts_after
        and ledger.order_date <= as_of_dates.window_starts_after as is_in_previous_window,
        ledger.net_revenue,
        ledger.margin,
        ledger.margin_is_estimated,
        ledger.discounted_margin
    from as_of_dates
    inner join ledger on as_of_dates.as_of_date >= ledger.booked_on

),

totals as (

    select
        as_of_date,
        customer_id,
        min(order_date) as first_order_date,
        max(order_date) as last_order_date,
        sum(case when is_sale then 1 else 0 end) as order_count,
        count(distinct order_date) as purchase_days,
        sum(case when is_sale and is_in_window then 1 else 0 end) as frequency,
        sum(case when is_in_window then net_revenue else 0 end) as monetary,
        sum(case when is_in_previous_window then net_revenue else 0 end) as previous_monetary,
        sum(net_revenue) as net_revenue,
        sum(margin) as margin,
        max(case when margin_is_estimated then 1 else 0 end) as margin_is_estimated,
        sum(discounted_margin) as realised_value
    from known_entries
    group by as_of_date, customer_id

),

known_customers as (

    select
        as_of_dates.as_of_date,
        customers.customer_id
    from as_of_dates
    inner join customers on as_of_dates.as_of_date >= coalesce(customers.known_on, as_of_dates.as_of_date)

)

select
    known_customers.as_of_date,
    known_customers.customer_id,
    totals.first_order_date,
    totals.last_order_date,
    cast(
        {{ dbt.datediff('totals.last_order_date', 'known_customers.as_of_date', 'day') }} as integer -- noqa: LT05
    ) as recency_days,
    cast(coalesce(totals.order_count, 0) as integer) as order_count,
    cast(coalesce(totals.purchase_days - 1, 0) as integer) as gap_count,
    cast(
        coalesce({{ dbt.datediff('totals.first_order_date', 'totals.last_order_date', 'day') }}, 0) as integer
    ) as gap_days,
    cast(coalesce(totals.frequency, 0) as integer) as frequency,
    cast(coalesce(totals.monetary, 0) as numeric(18, 2)) as monetary,
    cast(coalesce(totals.previous_monetary, 0) as numeric(18, 2)) as previous_monetary,
    cast(coalesce(totals.net_revenue, 0) as numeric(18, 2)) as net_revenue,
    cast(coalesce(totals.margin, 0) as numeric(18, 2)) as margin,
    coalesce(totals.margin_is_estimated, 0) = 1 as margin_is_estimated,
    cast(coalesce(totals.realised_value, 0) as numeric(18, 2)) as realised_value
from known_customers
left join totals
    on
        known_customers.as_of_date = totals.as_of_date
        and known_customers.customer_id = totals.customer_id
