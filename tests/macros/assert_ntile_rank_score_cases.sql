-- ring 2 of ntile_rank_score: the result of the engine's own ntile, for 1 to 23 customers, and 5 and 4 buckets
with numbers as (

    {{ dbt.generate_series(23) }}

),

ranks as (

    select
        totals.generated_number as customers_total,
        positions.generated_number as rank_number
    from numbers as totals
    inner join numbers as positions on totals.generated_number >= positions.generated_number

),

scored as (

    select
        customers_total,
        rank_number,
        ntile(5) over (partition by customers_total order by rank_number asc) as expected_5,
        {{ ntile_rank_score('rank_number', 'customers_total') }} as actual_5,
        ntile(4) over (partition by customers_total order by rank_number asc) as expected_4,
        {{ ntile_rank_score('rank_number', 'customers_total', buckets=4) }} as actual_4
    from ranks

)

select *
from scored
where expected_5 is distinct from actual_5 or expected_4 is distinct from actual_4
