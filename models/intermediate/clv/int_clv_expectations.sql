{%- set horizons = clv_horizons(var('clv_horizons_months')) -%}
with at_month_ends as (

    select * from {{ ref('int_clv_pair_months') }}
    {{ evaluated_once() }}

),

expected as (

    select
        as_of_date,
        repeat_count,
        age_days,
        month_number,
        {{ clv_expected_purchases(var('clv_model'), 'repeat_count', 'age_days', 'horizon_days', 'at_month_ends') }}
            as expected_purchases,
        last_weight,
        weight
    from at_month_ends
    {{ evaluated_once() }}

),

-- separate from the other months, not in a case: there DuckDB would compute common parts again and again
moments as (

    select
        as_of_date,
        repeat_count,
        age_days,
        month_number,
        {{ clv_p_no_purchase(var('clv_model'), 'repeat_count', 'age_days', 'horizon_days', 'at_month_ends') }}
            as p_no_purchase,
        {{ clv_factorial_moment(var('clv_model'), 'repeat_count', 'age_days', 'horizon_days', 'at_month_ends') }}
            as factorial_moment
    from at_month_ends
    where month_number in ({{ horizons | join(', ') }})

)

-- decimals, so that a sum does not depend on the order of its rows
select
    expected.as_of_date,
    expected.repeat_count,
    {% for horizon in horizons -%}
    {%- set is_it = 'case when expected.month_number = ' ~ horizon ~ ' then' -%}
    max({{ is_it }} expected.expected_purchases end) as expected_purchases_{{ horizon }}m,
    cast(sum(case
        when expected.month_number < {{ horizon }}
            then cast(expected.weight * expected.expected_purchases as numeric(38, 18))
        when expected.month_number = {{ horizon }}
            then cast(expected.last_weight * expected.expected_purchases as numeric(38, 18))
    end) as {{ type_double() }}) as discounted_purchases_{{ horizon }}m,
    max({{ is_it }} moments.p_no_purchase end) as p_no_purchase_{{ horizon }}m,
    max({{ is_it }} moments.factorial_moment end) as factorial_moment_{{ horizon }}m,
    {% endfor -%}
    expected.age_days
from expected
left join moments
    on
        expected.as_of_date = moments.as_of_date
        and expected.repeat_count = moments.repeat_count
        and expected.age_days = moments.age_days
        and expected.month_number = moments.month_number
group by expected.as_of_date, expected.repeat_count, expected.age_days
