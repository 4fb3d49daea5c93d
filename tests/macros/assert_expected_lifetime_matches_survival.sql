-- ring 2: with 80 % (90 %) of the customers left after each year, the mean lifetime is the sum of the shares left at
-- the start of each year: 1 + 0.8 + 0.64 + ... = 5 (10), summed here year by year instead of by the formula
with digits as (

    {% for digit in range(10) -%}
    select {{ digit }} as digit {{ 'union all' if not loop.last }}
    {% endfor %}
),

years as (

    select 100 * hundreds.digit + 10 * tens.digit + ones.digit as year_number
    from digits as hundreds
    cross join digits as tens
    cross join digits as ones

),

lifetimes as (

    select
        sum(power(cast(0.8 as {{ type_double() }}), year_number)) as losing_20,
        sum(power(cast(0.9 as {{ type_double() }}), year_number)) as losing_10
    from years

)

select *
from lifetimes
where
    not coalesce(abs(losing_20 - {{ expected_lifetime('100', '20') }}) < 1e-9, false)
    or not coalesce(abs(losing_10 - {{ expected_lifetime('100', '10') }}) < 1e-9, false)
