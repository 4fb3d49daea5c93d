{%- set horizons = clv_horizons(var('clv_horizons_months')) -%}
{%- set model = var('clv_model') -%}
{%- set x, age, ahead = 'at_month_ends.repeat_count', 'at_month_ends.age_days', 'at_month_ends.horizon_days' -%}
with at_month_ends as (

    select * from {{ ref('int_clv_pair_months') }}
    {{ evaluated_once() }}

),

expected as (

    select
        at_month_ends.as_of_date,
        at_month_ends.repeat_count,
        at_month_ends.age_days,
        at_month_ends.month_number,
        at_month_ends.last_weight,
        at_month_ends.weight,
        {{ clv_expected_purchases(model, x, age, ahead, 'at_month_ends') }} as expected_purchases
    from at_month_ends
    {{ evaluated_once() }}

),

-- separate from the other months, not in a case: there DuckDB would compute common parts again and again
moments as (

    select
        at_month_ends.as_of_date,
        at_month_ends.repeat_count,
        at_month_ends.age_days,
        at_month_ends.month_number,
        {{ clv_p_no_purchase(model, x, age, ahead, 'at_month_ends') }} as p_no_purchase,
        {{ clv_factorial_moment(model, x, age, ahead, 'at_month_ends') }} as factorial_moment
    from at_month_ends
    where at_month_ends.month_number in ({{ horizons | join(', ') }})

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
