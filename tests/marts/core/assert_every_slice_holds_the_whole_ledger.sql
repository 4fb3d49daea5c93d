-- ring 3 of the as-of facts: on every date the customers together have the totals of the ledger by then, to the cent,
-- and its totals of the window
with ledger as (

    select
        as_of_dates.as_of_date,
        sum(case when ledger.entry_type = 'sale' then 1 else 0 end) as order_count,
        sum(ledger.net_revenue) as net_revenue,
        sum(ledger.margin) as margin,
        sum(case
            when ledger.entry_type = 'sale' and ledger.order_date > as_of_dates.window_starts_after then 1 else 0
        end) as frequency,
        sum(case
            when ledger.order_date > as_of_dates.window_starts_after then ledger.net_revenue else 0
        end) as monetary,
        sum(case
            when
                ledger.order_date > as_of_dates.previous_window_starts_after
                and ledger.order_date <= as_of_dates.window_starts_after
                then ledger.net_revenue
            else 0
        end) as previous_monetary
    from {{ ref('int_as_of_dates') }} as as_of_dates
    left join {{ ref('int_ledger') }} as ledger on as_of_dates.as_of_date >= ledger.booked_on
    group by as_of_dates.as_of_date

),

slices as (

    select
        as_of_date,
        sum(order_count) as order_count,
        sum(net_revenue) as net_revenue,
        sum(margin) as margin,
        sum(frequency) as frequency,
        sum(monetary) as monetary,
        sum(previous_monetary) as previous_monetary
    from {{ ref('customer_value_history') }}
    group by as_of_date

)

select
    ledger.as_of_date,
    ledger.net_revenue as expected_net_revenue,
    slices.net_revenue
from ledger
full outer join slices on ledger.as_of_date = slices.as_of_date
where
    ledger.as_of_date is null
    {%- for column in ['order_count', 'net_revenue', 'margin', 'frequency', 'monetary', 'previous_monetary'] %}
    or coalesce(ledger.{{ column }}, 0) is distinct from coalesce(slices.{{ column }}, 0)
    {%- endfor %}
