{#- up to this many repeat purchases each number is a bin of its own; beyond, bins are 5 % wide #}
{%- set exact_repeats = 20 -%}
with fit_dates as (

    select * from {{ ref('int_clv_fit_dates') }}
    where is_open

),

facts as (

    select * from {{ ref('int_customer_facts') }}
    where order_count > 0

),

binned as (

    select
        facts.as_of_date,
        facts.gap_count as repeat_count,
        facts.gap_days as last_purchase_age_days,
        facts.age_days,
        facts.repeat_net_revenue,
        case
            when facts.gap_count <= {{ exact_repeats }} then facts.gap_count
            else {{ exact_repeats }} + 1 + cast(floor(
                ln(cast(facts.gap_count as {{ type_double() }}) / {{ exact_repeats }}) * 20
            ) as integer)
        end as repeat_bin,
        cast(floor(cast(facts.gap_days as {{ type_double() }}) / 7) as integer) as last_purchase_week,
        cast(floor(cast(facts.age_days as {{ type_double() }}) / 7) as integer) as age_week,
        -- 2 % wide; values of 0 or less have no logarithm and share one bin
        case
            when facts.gap_count > 0 and facts.repeat_net_revenue > 0
                then cast(floor(
                    ln(cast(facts.repeat_net_revenue as {{ type_double() }}) / facts.gap_count) * 50
                ) as integer)
        end as spend_bin
    from facts
    inner join fit_dates on facts.as_of_date = fit_dates.as_of_date

)

-- sums of whole numbers and decimals: the same on every engine and in any order
{% for measure, bins in {
    'purchases': 'repeat_bin, last_purchase_week, age_week', 'spend': 'repeat_bin, spend_bin'
}.items() -%}
select
    as_of_date,
    '{{ measure }}' as measure,
    cast(count(*) as {{ dbt.type_bigint() }}) as customers,
    cast(sum(repeat_count) as {{ dbt.type_bigint() }}) as repeat_count,
    cast(sum(last_purchase_age_days) as {{ dbt.type_bigint() }}) as last_purchase_age_days,
    cast(sum(age_days) as {{ dbt.type_bigint() }}) as age_days,
    cast(sum(repeat_net_revenue) as numeric(18, 2)) as repeat_net_revenue
from binned
{% if measure == 'spend' -%}
where repeat_count > 0
{% endif -%}
group by as_of_date, {{ bins }}
{{ 'union all' if not loop.last }}
{% endfor %}
