with customer_days as (

    select * from {{ ref('int_customer_days') }}

),

slices as (

    select * from {{ ref('int_slices') }}
    where is_looked_at

),

-- the steps of a booking depend on its two days alone: a few thousand pairs instead of all bookings
day_pairs as (

    select distinct
        order_date,
        booked_on
    from customer_days

),

calendar as (

    select booked_on as calendar_date from day_pairs
    union
    select order_date as calendar_date from day_pairs

),

turning_points as (

    select
        calendar.calendar_date,
        min(case when calendar.calendar_date <= slices.as_of_date then slices.as_of_date end) as known_from,
        min(
            case when calendar.calendar_date <= slices.window_starts_after then slices.as_of_date end
        ) as left_window_at,
        min(
            case when calendar.calendar_date <= slices.previous_window_starts_after then slices.as_of_date end
        ) as left_previous_window_at
    from calendar
    cross join slices
    group by calendar.calendar_date

),

courses as (

    select
        day_pairs.order_date,
        day_pairs.booked_on,
        known.known_from,
        placed.left_window_at,
        placed.left_previous_window_at,
        -- a refund of an old order may become known after the order has left one window or both
        coalesce(placed.left_window_at > known.known_from, true) as is_seen_in_window,
        coalesce(placed.left_previous_window_at > placed.left_window_at, true)
        and coalesce(placed.left_previous_window_at > known.known_from, true) as is_seen_in_previous_window
    from day_pairs
    inner join turning_points as known on day_pairs.booked_on = known.calendar_date
    inner join turning_points as placed on day_pairs.order_date = placed.calendar_date
    where known.known_from is not null

)

select
    order_date,
    booked_on,
    known_from as as_of_date,
    1 as total_change,
    case when is_seen_in_window then 1 else 0 end as window_change,
    case when is_seen_in_previous_window and not is_seen_in_window then 1 else 0 end as previous_window_change
from courses
union all
select
    order_date,
    booked_on,
    left_window_at as as_of_date,
    0 as total_change,
    -1 as window_change,
    case when is_seen_in_previous_window then 1 else 0 end as previous_window_change
from courses
where is_seen_in_window and left_window_at is not null
union all
select
    order_date,
    booked_on,
    left_previous_window_at as as_of_date,
    0 as total_change,
    0 as window_change,
    -1 as previous_window_change
from courses
where is_seen_in_previous_window and left_previous_window_at is not null
