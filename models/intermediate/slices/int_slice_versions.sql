with as_of_dates as (

    select * from {{ ref('int_as_of_dates') }}

),

customer_days as (

    select * from {{ ref('int_customer_days') }}

),

customers as (

    select * from {{ ref('int_customers') }}

),

-- everything that a slice depends on, by the day from which it counts; an undated customer counts from the start
inputs as (

    select
        booked_on as known_on,
        {{ row_hash([
            'customer_id', 'order_date', 'booked_on', 'order_count', 'net_revenue', 'repeat_net_revenue',
            'discounted_margin', 'margin', 'margin_is_estimated'
        ]) }} as row_hash
    from customer_days
    union all
    select
        coalesce(known_on, cast('0001-01-01' as date)) as known_on,
        {{ row_hash(['customer_id', 'known_on', 'acquisition_cost']) }} as row_hash
    from customers

),

contents as (

    {{ slice_contents('as_of_dates', 'inputs') }}

)

select
    as_of_dates.*,
    {{ dbt.concat([
        'cast(as_of_dates.as_of_date as ' ~ dbt.type_string() ~ ')', "'/" ~ definitions_key() ~ "/'",
        'substring(md5(' ~ dbt.concat([
            'contents.contents_hash', "'/'",
            "coalesce(cast(as_of_dates.opening_date as " ~ dbt.type_string() ~ "), '')"
        ]) ~ '), 1, 16)'
    ]) }} as slice_version
from as_of_dates
inner join contents on as_of_dates.as_of_date = contents.as_of_date
