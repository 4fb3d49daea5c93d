-- How long does a customer last at last year's churn? customers_at_start ordered in the window before the last one;
-- customers_lost are those of them without an order since.
-- Run it with: dbt show --select expected_lifetime
with as_of_dates as (

    select * from {{ ref('int_as_of_dates') }}
    where as_of_date = (select max(latest.as_of_date) from {{ ref('int_as_of_dates') }} as latest)

),

customers_at_start as (

    select
        as_of_dates.as_of_date,
        ledger.customer_id,
        max(case when ledger.order_date > as_of_dates.window_starts_after then 1 else 0 end) as is_kept
    from as_of_dates
    inner join {{ ref('int_ledger') }} as ledger
        on
            ledger.entry_type = 'sale'
            and as_of_dates.as_of_date >= ledger.order_date
            and as_of_dates.previous_window_starts_after < ledger.order_date
    group by as_of_dates.as_of_date, ledger.customer_id
    having min(ledger.order_date) <= max(as_of_dates.window_starts_after)

)

select
    as_of_date,
    count(*) as customers_at_start,
    count(*) - sum(is_kept) as customers_lost,
    {{ expected_lifetime('count(*)', 'count(*) - sum(is_kept)') }} as expected_lifetime_years
from customers_at_start
group by as_of_date
