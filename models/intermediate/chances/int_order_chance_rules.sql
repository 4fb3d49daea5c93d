{#- p_order_state: 3m recalibrated, 6m raw, 12m by overdue ratio #}
{%- set words = [] -%}
{%- for horizon in [3, 6, 12] -%}
{%- do words.append("'" ~ (', ' if not loop.first else '') ~ horizon ~ "m '") -%}
{%- do words.append(
    'coalesce(case method_' ~ horizon ~ "m when 'overdue_ratio' then 'by overdue ratio' else method_" ~ horizon
    ~ "m end, 'none')"
) -%}
{%- endfor -%}
with slices as (

    select * from {{ ref('int_slices') }}
    where is_open

),

parameters as (

    select * from {{ ref('int_clv_parameters') }}

),

thresholds as (

    select * from {{ ref('int_label_thresholds') }}

),

rates as (

    select * from {{ ref('int_order_chance_rates') }}

),

winners as (

    select * from {{ ref('int_order_chance_winners') }}

),

-- the model's mean chance for customers in rhythm, used while no past outcome is known
modelled as (

    select
        as_of_date,
        cast(
            sum(cast(p_order_3m as numeric(34, 16))) as {{ type_double() }}
        ) / count(*) as in_rhythm_rate
    from {{ ref('int_order_chance_facts') }}
    where overdue_ratio < 1 and p_order_3m is not null
    group by as_of_date

),

rules as (

    select
        slices.as_of_date,
        {% for horizon in [3, 6, 12] -%}
        {{ chance_method(
            'winners_' ~ horizon ~ 'm.is_ratio_better',
            '(rates_' ~ horizon ~ 'm.base_rate is not null and thresholds.population_mean_gap_days is not null)',
            '(rates_' ~ horizon ~ 'm.model_origins is not null and parameters.fitted_as_of is not null)',
            'parameters.fitted_as_of is not null', var('p_order_method')
        ) }} as method_{{ horizon }}m,
        rates_{{ horizon }}m.base_rate as base_rate_{{ horizon }}m,
        {% endfor -%}
        coalesce(rates_3m.in_rhythm_rate, modelled.in_rhythm_rate) as in_rhythm_rate,
        rates_3m.in_rhythm_rate is null and modelled.in_rhythm_rate is not null as is_in_rhythm_rate_modelled
    from slices
    inner join parameters on slices.as_of_date = parameters.as_of_date
    inner join thresholds on slices.as_of_date = thresholds.as_of_date
    left join modelled on slices.as_of_date = modelled.as_of_date
    {% for horizon in [3, 6, 12] -%}
    left join rates as rates_{{ horizon }}m
        on slices.as_of_date = rates_{{ horizon }}m.as_of_date and rates_{{ horizon }}m.horizon_months = {{ horizon }}
    left join winners as winners_{{ horizon }}m
        on
            slices.as_of_date = winners_{{ horizon }}m.as_of_date
            and winners_{{ horizon }}m.horizon_months = {{ horizon }}
    {% endfor %}
    {{ evaluated_once() }}

)

select
    as_of_date,
    {% for horizon in [3, 6, 12] -%}
    method_{{ horizon }}m,
    base_rate_{{ horizon }}m,
    {% endfor -%}
    in_rhythm_rate,
    {{ dbt.concat(words + ["case when is_in_rhythm_rate_modelled then '; risk against the model' else '' end"]) }}
        as p_order_state
from rules
