-- customer_value_history by hand: what dbt's build is measured against (scripts/bench/history.py). DuckDB only, at the
-- default vars, from the staging tables to hand_tuned.customer_value_history, row for row what dbt builds.
-- Parts: "scoring", then "all", run before "full" (all as-of dates) and before "refresh" (the latest one, the others
-- standing); "scoring" serves peers.sql, too.
--
-- As-of dates are numbered (ix), customers too (k). A customer is a row per *stretch* of as-of dates between which
-- nothing but recency moves; stretches are spread over their dates twice, narrowly for the cut points and widely for
-- the result, and never stored in between. Nothing is sorted or joined at the grain of the result: what a customer was
-- at the dates before comes from a streaming lag, which relies on the order of the table that it scans.

-- part: scoring
create temp macro score5(value, s2, s3, s4, s5) as
    1 + (value >= s2)::int + (value >= s3)::int + (value >= s4)::int + (value >= s5)::int;
create temp macro midrank(worse, equal, total) as 1 + floor((5 * (2 * worse + equal))::double / (2 * total))::int;
create temp macro share(ahead, total) as (ahead * 100)::bigint::double / nullif((total * 100)::bigint::double, 0);

-- the cut points of the scores of one date, by value and not by customer: the counts of distinct values are cumulated.
-- facts: the name of a table of customers with last_order, frequency, monetary, net and orders
create temp macro cut_points_of(facts) as table
with counted as (
    select 'r' as measure, (last_order - date '1970-01-01')::decimal(18, 2) as value, count(*) as customers
    from query_table(facts) where frequency > 0 group by last_order
    union all
    select 'f', frequency, count(*) from query_table(facts) where frequency > 0 group by frequency
    union all
    select 'm', monetary, count(*) from query_table(facts) where frequency > 0 group by monetary
    union all
    select 'abc', net, count(*) from query_table(facts) where orders > 0 group by net
),
ranked as (
    select
        measure,
        value,
        midrank(
            coalesce(sum(customers) over (upward rows between unbounded preceding and 1 preceding), 0), customers,
            sum(customers) over whole
        ) as score,
        share(
            coalesce(sum(greatest(value, 0) * customers) over (
                downward rows between unbounded preceding and 1 preceding
            ), 0), sum(greatest(value, 0) * customers) over whole
        ) as share
    from counted
    window
        whole as (partition by measure),
        upward as (partition by measure order by value),
        downward as (partition by measure order by value desc)
)
-- a score that nobody earns has a cut point out of reach
select
    measure,
    coalesce(min(value) filter (score >= 2), 1e15)::decimal(18, 2) as s2,
    coalesce(min(value) filter (score >= 3), 1e15)::decimal(18, 2) as s3,
    coalesce(min(value) filter (score >= 4), 1e15)::decimal(18, 2) as s4,
    coalesce(min(value) filter (score >= 5), 1e15)::decimal(18, 2) as s5,
    coalesce(min(value) filter (value > 0 and share < 0.80), 1e15)::decimal(18, 2) as a,
    coalesce(min(value) filter (value > 0 and share < 0.95), 1e15)::decimal(18, 2) as b
from ranked
group by measure;

-- part: all
create schema if not exists hand_tuned;

create temp table spine as
with bounds as (
    select min(order_date) as first_day, max(order_date) as last_day from staging.stg_orders where reject_reasons = ''
),
dates as (
    select last_day(first_day + to_months(m::int)) as as_of_date from bounds, range(2400) as months(m)
    where last_day(first_day + to_months(m::int)) <= last_day
    union
    select last_day from bounds
)
select
    row_number() over (order by as_of_date)::int as ix,
    as_of_date,
    (as_of_date - interval 12 month)::date as window_starts_after,
    (as_of_date - interval 24 month)::date as previous_window_starts_after
from dates;

-- the as-of date at which a day enters the window, leaves it for the previous one, and leaves that; 30000: never
create temp table days as
with calendar as (
    select unnest(generate_series(min(order_date), max(order_date), interval 1 day))::date as day
    from staging.stg_orders where reject_reasons = ''
)
select
    day,
    known.ix as enter_ix,
    coalesce(left_window.ix, 30000)::int as leave_ix,
    coalesce(left_previous.ix, 30000)::int as gone_ix
from calendar
asof join spine as known on day <= known.as_of_date
asof left join spine as left_window on day <= left_window.window_starts_after
asof left join spine as left_previous on day <= left_previous.previous_window_starts_after;

create temp view survivors as select * from staging.stg_customer_survivors where not is_endless;

create temp table customers as
with ordering as (
    select
        coalesce(survivor_customer_id, o.customer_id) as customer_id,
        min(order_date) as known_on,
        min(case when is_sale then order_date end) as first_order_date
    from staging.stg_orders as o left join survivors using (customer_id)
    where reject_reasons = ''
    group by 1
),
recorded as (
    select
        coalesce(survivor_customer_id, c.customer_id) as customer_id,
        case
            when count(created_at) = count(*) then min(created_at)::date else date '0001-01-01'
        end as known_on
    from staging.stg_customers as c left join survivors using (customer_id)
    where reject_reasons = ''
    group by 1
),
known as (
    select customer_id, least(o.known_on, r.known_on) as known_on, first_order_date
    from ordering as o full join recorded as r using (customer_id)
)
select row_number() over ()::int as k, customer_id, first_order_date, spine.ix as known_ix
from known asof join spine on known.known_on <= spine.as_of_date;

-- lines matter only where the order does not state its cost
create temp table line_costs as
select order_id, case when count(cost_amount) = count(*) then sum(cost_amount) end::decimal(18, 2) as cost
from staging.stg_order_items
where
    reject_reasons = ''
    and order_id in (
        select order_id from staging.stg_orders where reject_reasons = '' and is_sale and cost_amount is null
    )
group by order_id;

create temp macro converted(amount, rate) as
    case when rate is null then amount else amount * rate end::decimal(18, 2);

create temp view ledger as
with sales as materialized (
    select
        o.order_id,
        coalesce(survivor_customer_id, o.customer_id) as customer_id,
        order_date,
        exchange_rate,
        (converted(gross_amount, exchange_rate) - converted(discount_amount, exchange_rate))::decimal(18, 2) as net,
        converted(coalesce(cost_amount, cost), exchange_rate) as cost
    from staging.stg_orders as o
    left join survivors using (customer_id)
    left join line_costs using (order_id)
    where reject_reasons = '' and is_sale
),
entries as (
    select customer_id, order_date, order_date as booked_on, 1 as n, net, cost, cost is null as is_estimated from sales
    union all
    select
        customer_id, order_date, greatest(refund_date, order_date), 0, -converted(amount, exchange_rate),
        case when cost is not null then 0 end, cost is null
    from staging.stg_refunds inner join sales using (order_id)
    where reject_reasons = ''
),
priced as (
    select
        k, first_order_date, order_date, booked_on, n, net, is_estimated,
        coalesce(net - cost, round(net * 0.30::decimal(9, 6), 2))::decimal(18, 2) as margin
    from entries inner join customers using (customer_id)
),
-- discounted by the day, as dbt does, so that both round the same amounts
daily as (
    select
        k, first_order_date, order_date, booked_on, sum(n)::int as n, sum(net)::decimal(18, 2) as net,
        sum(margin)::decimal(18, 2) as margin, bool_or(is_estimated) as is_estimated
    from priced
    group by k, first_order_date, order_date, booked_on
)
select
    k, order_date, booked_on, n, net, margin, is_estimated,
    (margin::double * power(1.10::double, -(booked_on - first_order_date) / 365::double))::decimal(18, 8) as discounted
from daily;

create temp macro expected_gap(gap_days, gap_count, mean_gap) as
    (gap_days::double + 2 * mean_gap) / (gap_count + 2)::double;
create temp macro stage(orders, recency, overdue, monetary, previous) as case
    when orders = 0 then 'prospect'
    when overdue >= 4 and recency > 30 then 'churned'
    when overdue >= 2 or (previous > 0 and monetary < 0.5 * previous) then 'decline'
    when orders >= 4 then 'stability'
    when orders >= 2 then 'formation'
    else 'exploration'
end;

-- looked up by place, not joined: a join would end the streaming
set variable tiers = (select list(tier order by abc_tier, frequency_score) from reference.tier_rules);
set variable segments = (
    select list(rfm_segment order by recency_score, frequency_score, monetary_score) from reference.rfm_segments
);
create temp macro tier_of(abc, f) as getvariable('tiers')[(abc - 1) * 5 + f];
create temp macro segment_of(r, f, m) as getvariable('segments')[(r - 1) * 25 + (f - 1) * 5 + m];

-- part: full
create temp table entries as
select ledger.*, booked.enter_ix, ordered.leave_ix, ordered.gone_ix
from ledger
inner join days as booked on booked_on = booked.day
inner join days as ordered on order_date = ordered.day;

-- a step between as-of dates is at most a month, so its purchase days fit into the bits of one integer
create temp table events as
with moves as (
    select
        k, enter_ix as ix, n, case when n > 0 then 1::bigint << day(order_date) end as days, net, margin, discounted,
        order_date as last_order, booked_on as last_booked, is_estimated,
        case when leave_ix > enter_ix then n else 0 end as frequency,
        case when leave_ix > enter_ix then net else 0 end as monetary,
        case when leave_ix <= enter_ix and gone_ix > enter_ix then net else 0 end as previous
    from entries
    union all
    select k, leave_ix, 0, null, 0, 0, 0, null, null, null, -n, -net, net
    from entries where leave_ix > enter_ix and leave_ix < 30000
    union all
    select k, gone_ix, 0, null, 0, 0, 0, null, null, null, 0, 0, -net
    from entries where gone_ix > enter_ix and gone_ix < 30000
    union all
    select k, known_ix, 0, null, 0, 0, 0, null, null, null, 0, 0, 0
    from customers
)
select
    k,
    ix,
    sum(n)::int as n,
    coalesce(bit_count(bit_or(days)), 0)::int as days,
    sum(net)::decimal(18, 2) as net,
    sum(margin)::decimal(18, 2) as margin,
    sum(discounted)::decimal(28, 8) as discounted,
    max(last_order) as last_order,
    max(last_booked) as last_booked,
    bool_or(is_estimated) as is_estimated,
    sum(frequency)::int as frequency,
    sum(monetary)::decimal(18, 2) as monetary,
    sum(previous)::decimal(18, 2) as previous
from moves
group by k, ix;

drop table entries;

set preserve_insertion_order = true;
create temp table stretches as
with running as (
    select
        k,
        ix,
        coalesce(lead(ix) over steps, (select max(ix) + 1 from spine))::int as next_ix,
        (sum(n) over so_far)::int as orders,
        (sum(days) over so_far)::int as days,
        (sum(net) over so_far)::decimal(18, 2) as net,
        (sum(margin) over so_far)::decimal(18, 2) as margin,
        (sum(discounted) over so_far)::decimal(18, 2) as realised,
        max(last_order) over so_far as last_order,
        max(last_booked) over so_far as last_booked,
        coalesce(bool_or(is_estimated) over so_far, false) as is_estimated,
        (sum(frequency) over so_far)::int as frequency,
        (sum(monetary) over so_far)::decimal(18, 2) as monetary,
        (sum(previous) over so_far)::decimal(18, 2) as previous,
        net as net_change,
        monetary as monetary_change
    from events
    window
        steps as (partition by k order by ix),
        so_far as (partition by k order by ix rows between unbounded preceding and current row)
)
select running.*, customer_id, first_order_date, known_ix
from running inner join customers using (k)
order by running.k, running.ix;

drop table events;

create temp view spread as
select
    unnest(range(ix, next_ix))::int as ix, net, monetary, frequency, last_order,
    last_order - first_order_date as gap_days, days - 1 as gap_count
from stretches where orders > 0;

-- Cut points. Money has too many distinct values to cumulate them all: it is counted in buckets of one unit, and only
-- the buckets in which a cut falls (opened) are looked into. A bucket's least value stands for the bucket elsewhere.
create temp table buckets as
with counted as (
    select 'recency' as measure, ix, (last_order - date '1970-01-01')::decimal(18, 2) as bucket, count(*) as customers,
        bucket as value, null::decimal(18, 2) as positive
    from spread where frequency > 0 group by ix, last_order
    union all
    select 'frequency', ix, frequency, count(*), frequency, null from spread where frequency > 0 group by ix, frequency
    union all
    select 'monetary', ix, floor(monetary), count(*), min(monetary), null
    from spread where frequency > 0 group by ix, floor(monetary)
    union all
    select 'abc', ix, floor(net), count(*), min(net), sum(greatest(net, 0)) from spread group by ix, floor(net)
)
select
    *,
    coalesce(sum(customers) over (upward rows between unbounded preceding and 1 preceding), 0)::bigint as worse,
    sum(customers) over whole::bigint as total,
    coalesce(
        sum(positive) over (downward rows between unbounded preceding and 1 preceding), 0
    )::decimal(18, 2) as ahead,
    (sum(positive) over whole)::decimal(18, 2) as total_positive
from counted
window
    whole as (partition by measure, ix),
    upward as (partition by measure, ix order by bucket),
    downward as (partition by measure, ix order by bucket desc);

create temp table opened as
select * from buckets
where
    (measure = 'monetary' and 5 * worse // total <> 5 * (worse + customers) // total)
    or (
        measure = 'abc' and positive > 0 and (
            (share(ahead, total_positive) < 0.80 and share(ahead + positive, total_positive) >= 0.80)
            or (share(ahead, total_positive) < 0.95 and share(ahead + positive, total_positive) >= 0.95)
        )
    );

create temp table candidates as
with monetary_values as (
    select s.ix, bucket, s.monetary as value, count(*) as customers, any_value(worse) as worse,
        any_value(total) as total
    from spread as s inner join opened as o on measure = 'monetary' and o.ix = s.ix and bucket = floor(s.monetary)
    where s.frequency > 0
    group by 1, 2, 3
),
abc_values as (
    select s.ix, bucket, s.net as value, sum(s.net) as positive, any_value(ahead) as ahead,
        any_value(total_positive) as total_positive
    from spread as s inner join opened as o on measure = 'abc' and o.ix = s.ix and bucket = floor(s.net)
    where s.net > 0
    group by 1, 2, 3
)
select
    ix, 'monetary' as measure, value, null::double as share,
    midrank(
        worse + coalesce(sum(customers) over (
            partition by ix, bucket order by value rows between unbounded preceding and 1 preceding
        ), 0), customers, total
    ) as score
from monetary_values
union all
select
    ix, 'abc', value,
    share(ahead + coalesce(sum(positive) over (
        partition by ix, bucket order by value desc rows between unbounded preceding and 1 preceding
    ), 0), total_positive),
    null
from abc_values
union all
select ix, measure, value, null, midrank(worse, case when measure = 'monetary' then 0 else customers end, total)
from buckets where measure <> 'abc'
union all
select ix, measure, value, share(ahead + positive, total_positive), null
from buckets where measure = 'abc' and value > 0;

-- a score that nobody earns has a cut point out of reach
set variable cuts = (
    with cut_points as (
        select
            ix,
            measure,
            coalesce(min(value) filter (score >= 2), 1e15)::decimal(18, 2) as s2,
            coalesce(min(value) filter (score >= 3), 1e15)::decimal(18, 2) as s3,
            coalesce(min(value) filter (score >= 4), 1e15)::decimal(18, 2) as s4,
            coalesce(min(value) filter (score >= 5), 1e15)::decimal(18, 2) as s5,
            coalesce(min(value) filter (share < 0.80), 1e15)::decimal(18, 2) as a,
            coalesce(min(value) filter (share < 0.95), 1e15)::decimal(18, 2) as b
        from candidates
        group by ix, measure
    ),
    gaps as (
        select ix, sum(gap_days)::double / nullif(sum(gap_count), 0) as mean_gap from spread group by ix
    ),
    dates as (
        select
            ix, as_of_date, as_of_date = last_day(as_of_date) as is_month_end, mean_gap,
            least(r.s2, 1e9)::int as r2, least(r.s3, 1e9)::int as r3, least(r.s4, 1e9)::int as r4,
            least(r.s5, 1e9)::int as r5,
            least(f.s2, 1e9)::int as f2, least(f.s3, 1e9)::int as f3, least(f.s4, 1e9)::int as f4,
            least(f.s5, 1e9)::int as f5,
            m.s2 as m2, m.s3 as m3, m.s4 as m4, m.s5 as m5,
            abc.a, abc.b
        from spine
        left join gaps using (ix)
        left join cut_points as r on spine.ix = r.ix and r.measure = 'recency'
        left join cut_points as f on spine.ix = f.ix and f.measure = 'frequency'
        left join cut_points as m on spine.ix = m.ix and m.measure = 'monetary'
        left join cut_points as abc on spine.ix = abc.ix and abc.measure = 'abc'
    )
    select list(dates order by ix) from dates
);

-- the thresholds held against who has left the window, by date and month-end; of the refresh, those of closed dates
create or replace table hand_tuned.abc_cuts as
select cut.as_of_date as as_of_date, cut.a as a, cut.b as b from (select unnest(getvariable('cuts')) as cut);

set variable held = (
    with held as (
        select spine.ix, since.ix as since_ix, max(nullif(cuts.a, 1e15)) as a, max(nullif(cuts.b, 1e15)) as b
        from spine
        inner join spine as since on since.ix <= spine.ix
        inner join hand_tuned.abc_cuts as cuts on cuts.as_of_date between since.as_of_date and spine.as_of_date
        group by spine.ix, since.ix
    ),
    by_date as (select ix, list({'a': a, 'b': b} order by since_ix) as held from held group by ix)
    select list(held order by ix) from by_date
);
set variable first_month = (select min(as_of_date) from spine);
-- the month-end eleven months after that of the last order, counted in as-of dates
create temp macro held_of(ix, last_order) as
    getvariable('held')[ix][datediff('month', getvariable('first_month'), last_order) + 12];

create temp macro judged(first_k, last_k) as table
with dated as (
    select * exclude (ix), ix as first_ix, unnest(range(ix, next_ix))::int as ix
    from stretches where k between first_k and last_k
),
placed as (
    select
        *, getvariable('cuts')[ix] as cut, ix - known_ix as age,
        case when frequency = 0 then held_of(ix, last_order) end as held
    from dated
),
measured as (
    select
        *,
        cut.as_of_date - last_order as recency,
        case when orders > 0 then expected_gap(last_order - first_order_date, days - 1, cut.mean_gap) end as gap,
        case
            when frequency > 0 then score5(last_order - date '1970-01-01', cut.r2, cut.r3, cut.r4, cut.r5)
            when orders > 0 then 1
        end as r,
        case when frequency > 0 then score5(frequency, cut.f2, cut.f3, cut.f4, cut.f5) when orders > 0 then 1 end as f,
        case when frequency > 0 then score5(monetary, cut.m2, cut.m3, cut.m4, cut.m5) when orders > 0 then 1 end as m,
        case when orders = 0 then null when net >= cut.a then 1 when net >= cut.b then 2 else 3 end as abc,
        case
            when orders = 0 then null
            when net >= coalesce(held.a, cut.a) then 1
            when net >= coalesce(held.b, cut.b) then 2
            else 3
        end as held_abc
    from placed
),
labelled as (
    select
        *,
        recency / gap as overdue,
        stage(orders, recency, overdue, monetary, previous) as stage,
        tier_of(held_abc, f) as raw,
        segment_of(r, f, m) as segment
    from measured
),
streamed as (
    select
        *,
        lag(raw, 1) over () as lag_1,
        lag(raw, 2) over () as lag_2,
        lag(raw, 3) over () as lag_3,
        lag(stage) over () as lag_stage,
        lag(segment) over () as lag_segment
    from labelled
),
opened_on as (
    select
        *,
        case when age >= 1 then lag_1 end as raw_1,
        case when age >= 2 then lag_2 end as raw_2,
        case when age >= 3 then lag_3 end as raw_3,
        case when age >= 1 then lag_stage end as stage_1,
        case when age >= 1 then lag_segment end as segment_1,
        ix = first_ix as is_moved
    from streamed
)
select
    cut.as_of_date as as_of_date,
    customer_id,
    least(raw, raw_1, raw_2, case when not cut.is_month_end then raw_3 end) as tier,
    raw as raw_tier,
    ['A', 'B', 'C'][abc] as abc_tier,
    segment as rfm_segment,
    r as recency_score,
    f as frequency_score,
    m as monetary_score,
    stage as lifecycle_stage,
    recency::int as recency_days,
    frequency,
    monetary,
    case when orders > 0 then first_order_date end as first_order_date,
    last_order as last_order_date,
    orders as order_count,
    net as net_revenue,
    margin,
    realised as realised_value,
    overdue as overdue_ratio,
    gap as expected_gap_days,
    previous as previous_monetary,
    days as purchase_days,
    is_estimated as margin_is_estimated,
    last_booked as last_activity_date,
    coalesce(
        stage_1 = 'churned' and stage <> 'churned' and last_order >= date_trunc('month', cut.as_of_date), false
    ) as is_reactivated,
    least(raw_1, raw_2, raw_3) as opening_tier,
    raw_1 as opening_raw_tier,
    segment_1 as opening_rfm_segment,
    stage_1 as opening_lifecycle_stage,
    case when age >= 1 then net - case when is_moved then net_change else 0 end end::decimal(18, 2)
        as opening_net_revenue,
    case when age >= 1 then monetary - case when is_moved then monetary_change else 0 end end::decimal(18, 2)
        as opening_monetary
from opened_on;

-- in two halves, because a streaming window keeps one thread busy
set variable middle = (select max(k) // 2 from customers);
set preserve_insertion_order = false;
create or replace table hand_tuned.customer_value_history as
from judged(0, getvariable('middle'))
union all
from judged(getvariable('middle') + 1, 2147483647);

-- part: refresh
-- one day more, at most to the next month-end: closed month-ends stand, the slice of the day before goes
set variable closed = (
    select list(as_of_date order by as_of_date desc) from spine where as_of_date < (select max(as_of_date) from spine)
);
delete from hand_tuned.customer_value_history where as_of_date > getvariable('closed')[1];

create temp table facts as
with slice as (
    from spine order by ix desc limit 1
),
totals as (
    select
        k,
        sum(n)::int as orders,
        count(distinct order_date)::int as days,
        max(order_date) as last_order,
        max(booked_on) as last_booked,
        bool_or(is_estimated) as is_estimated,
        sum(case when order_date > window_starts_after then n else 0 end)::int as frequency,
        sum(case when order_date > window_starts_after then net else 0 end) as monetary,
        sum(
            case when order_date <= window_starts_after and order_date > previous_window_starts_after then net end
        ) as previous,
        sum(net) as net,
        sum(margin) as margin,
        sum(discounted) as realised
    from ledger cross join slice
    where booked_on <= as_of_date
    group by k
)
select
    as_of_date, customer_id, first_order_date, last_order, last_booked,
    coalesce(orders, 0) as orders,
    coalesce(days, 0) as days,
    coalesce(frequency, 0) as frequency,
    coalesce(monetary, 0)::decimal(18, 2) as monetary,
    coalesce(previous, 0)::decimal(18, 2) as previous,
    coalesce(net, 0)::decimal(18, 2) as net,
    coalesce(margin, 0)::decimal(18, 2) as margin,
    coalesce(realised, 0)::decimal(18, 2) as realised,
    coalesce(is_estimated, false) as is_estimated
from customers cross join slice left join totals using (k);

create temp table cut as
with cut_points as (
    from cut_points_of('facts')
)
select
    r.s2 as r2, r.s3 as r3, r.s4 as r4, r.s5 as r5,
    f.s2 as f2, f.s3 as f3, f.s4 as f4, f.s5 as f5,
    m.s2 as m2, m.s3 as m3, m.s4 as m4, m.s5 as m5,
    abc.a, abc.b,
    gaps.mean_gap
from (
    select sum(last_order - first_order_date)::double / nullif(sum(days - 1), 0) as mean_gap from facts where orders > 0
) as gaps, cut_points as r, cut_points as f, cut_points as m, cut_points as abc
where r.measure = 'r' and f.measure = 'f' and m.measure = 'm' and abc.measure = 'abc';

create temp table held as
select
    since.as_of_date as held_from,
    greatest(max(nullif(cuts.a, 1e15)), any_value(nullif(cut.a, 1e15))) as held_a,
    greatest(max(nullif(cuts.b, 1e15)), any_value(nullif(cut.b, 1e15))) as held_b
from spine as since
inner join hand_tuned.abc_cuts as cuts on cuts.as_of_date >= since.as_of_date
cross join cut
where cuts.as_of_date <= getvariable('closed')[1]
group by since.as_of_date;

insert into hand_tuned.customer_value_history by name
with earlier as (
    select
        customer_id,
        min(raw_tier) as best_of_3,
        min(raw_tier) filter (as_of_date >= coalesce(getvariable('closed')[2], date '0001-01-01')) as best_of_2,
        any_value(tier) filter (as_of_date = getvariable('closed')[1]) as opening_tier,
        any_value(raw_tier) filter (as_of_date = getvariable('closed')[1]) as opening_raw_tier,
        any_value(rfm_segment) filter (as_of_date = getvariable('closed')[1]) as opening_rfm_segment,
        any_value(lifecycle_stage) filter (as_of_date = getvariable('closed')[1]) as opening_lifecycle_stage,
        any_value(net_revenue) filter (as_of_date = getvariable('closed')[1]) as opening_net_revenue,
        any_value(monetary) filter (as_of_date = getvariable('closed')[1]) as opening_monetary
    from hand_tuned.customer_value_history
    where as_of_date >= coalesce(getvariable('closed')[3], date '0001-01-01')
    group by customer_id
),
measured as (
    select
        *,
        as_of_date - last_order as recency,
        case when orders > 0 then expected_gap(last_order - first_order_date, days - 1, mean_gap) end as gap,
        case
            when frequency > 0 then score5(last_order - date '1970-01-01', r2, r3, r4, r5) when orders > 0 then 1
        end as r,
        case when frequency > 0 then score5(frequency, f2, f3, f4, f5) when orders > 0 then 1 end as f,
        case when frequency > 0 then score5(monetary, m2, m3, m4, m5) when orders > 0 then 1 end as m,
        case when orders = 0 then null when net >= a then 1 when net >= b then 2 else 3 end as abc,
        case
            when orders = 0 then null when net >= coalesce(held_a, a) then 1 when net >= coalesce(held_b, b) then 2
            else 3
        end as held_abc
    from facts cross join cut
    left join held on frequency = 0 and held_from = last_day(last_order + interval 11 month)
),
labelled as (
    select
        *,
        recency / gap as overdue,
        stage(orders, recency, overdue, monetary, previous) as stage,
        tier_of(held_abc, f) as raw
    from measured
)
select
    as_of_date,
    customer_id,
    least(raw, case when as_of_date = last_day(as_of_date) then best_of_2 else best_of_3 end) as tier,
    raw as raw_tier,
    ['A', 'B', 'C'][abc] as abc_tier,
    segment_of(r, f, m) as rfm_segment,
    r as recency_score,
    f as frequency_score,
    m as monetary_score,
    stage as lifecycle_stage,
    recency::int as recency_days,
    frequency,
    monetary,
    case when orders > 0 then first_order_date end as first_order_date,
    last_order as last_order_date,
    orders as order_count,
    net as net_revenue,
    margin,
    realised as realised_value,
    overdue as overdue_ratio,
    gap as expected_gap_days,
    previous as previous_monetary,
    days as purchase_days,
    is_estimated as margin_is_estimated,
    last_booked as last_activity_date,
    coalesce(
        opening_lifecycle_stage = 'churned' and stage <> 'churned' and last_order >= date_trunc('month', as_of_date), false
    ) as is_reactivated,
    opening_tier,
    opening_raw_tier,
    opening_rfm_segment,
    opening_lifecycle_stage,
    opening_net_revenue,
    opening_monetary
from labelled left join earlier using (customer_id);
