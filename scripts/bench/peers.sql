-- What each customer is worth as of one day, by hand: what peers are measured against (scripts/bench/peers.py). DuckDB
-- only, at the project's default vars, from the files of the shop to a file.
-- Variables: folder (of orders, customers and refunds), as_of. In the place of OUT goes the file to write.
-- Parts: "sales" makes the tables sales and refunds, of which openretailscience starts too; "result" makes the rest, by
-- the part "scoring" of history.sql.

-- part: sales
create temp macro source(name) as table
    select * from read_parquet(getvariable('folder') || '/' || name || '.parquet');

-- of several copies of a row the newest one counts; only copied rows are sorted
create temp table copied_orders as select order_id from source('orders') group by order_id having count(*) > 1;
create temp table copied_refunds as select refund_id from source('refunds') group by refund_id having count(*) > 1;

create temp table survivors as
with recursive merges as (
    select customer_id, merged_into_customer_id from source('customers') where merged_into_customer_id is not null
),
chains as (
    select customer_id, merged_into_customer_id as survivor from merges
    union all
    select chains.customer_id, merges.merged_into_customer_id
    from chains inner join merges on chains.survivor = merges.customer_id
)
select customer_id, survivor from chains where survivor not in (select customer_id from merges);

create temp table sales as
with orders as (
    from source('orders') where order_id not in (from copied_orders)
    union all by name
    from source('orders') where order_id in (from copied_orders)
    qualify row_number() over (partition by order_id order by updated_at desc) = 1
)
select
    order_id,
    coalesce(survivor, customer_id) as customer_id,
    ordered_at::date as order_date,
    (gross_amount - coalesce(discount_amount, 0))::decimal(18, 2) as net,
    cost_amount as cost
from orders left join survivors using (customer_id)
where
    status in ('completed', 'shipped', 'partially_refunded', 'refunded')
    and currency = 'USD'
    and ordered_at::date <= getvariable('as_of')::date;

create temp table refunds as
with given_back as (
    from source('refunds') where refund_id not in (from copied_refunds)
    union all by name
    from source('refunds') where refund_id in (from copied_refunds)
    qualify row_number() over (partition by refund_id order by refunded_at desc) = 1
)
select
    order_id, customer_id, order_date, greatest(refunded_at::date, order_date) as booked_on, -amount as net,
    case when cost is not null then 0 end::decimal(18, 2) as cost
from given_back inner join sales using (order_id)
where refunded_at::date <= getvariable('as_of')::date;

-- part: result
-- discounted to a fixed day, and from there to the customer's first order: one pass instead of two
create temp table facts as
with entries as (
    select customer_id, order_date, order_date as booked_on, 1 as n, net, cost from sales
    union all
    select customer_id, order_date, booked_on, 0, net, cost from refunds
),
priced as (
    select
        *,
        order_date > getvariable('as_of')::date - interval 12 month as is_recent,
        coalesce(net - cost, round(net * 0.30::decimal(9, 6), 2))::decimal(18, 2) as margin
    from entries
)
select
    customer_id,
    max(order_date) as last_order,
    sum(n)::int as orders,
    coalesce(sum(n) filter (is_recent), 0)::int as frequency,
    coalesce(sum(net) filter (is_recent), 0)::decimal(18, 2) as monetary,
    sum(net)::decimal(18, 2) as net,
    (
        sum(margin::double * power(1.10::double, -(booked_on - date '2020-01-01') / 365::double))
        * power(1.10::double, (min(order_date) - date '2020-01-01') / 365::double)
    )::decimal(18, 2) as realised_value
from priced
group by customer_id;

create temp table cuts as from cut_points_of('facts');

create temp macro scored(frequency, value, s2, s3, s4, s5) as
    case when frequency = 0 then 1 else score5(value, s2, s3, s4, s5) end;

copy (
    select
        customer_id,
        (getvariable('as_of')::date - last_order)::int as recency_days,
        frequency,
        monetary,
        scored(frequency, last_order - date '1970-01-01', r.s2, r.s3, r.s4, r.s5) as recency_score,
        scored(frequency, frequency, f.s2, f.s3, f.s4, f.s5) as frequency_score,
        scored(frequency, monetary, m.s2, m.s3, m.s4, m.s5) as monetary_score,
        net as net_revenue,
        case when net >= abc.a then 'A' when net >= abc.b then 'B' else 'C' end as abc_tier,
        realised_value
    from facts
    cross join (from cuts where measure = 'r') as r
    cross join (from cuts where measure = 'f') as f
    cross join (from cuts where measure = 'm') as m
    cross join (from cuts where measure = 'abc') as abc
) to 'OUT' (format parquet);
