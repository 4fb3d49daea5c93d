-- ring 3: at every origin and horizon whose end the history has reached, and at no other, each kind of label holds
-- every customer with such a label and an order once, in the one valid version
{%- set horizons = label_horizons([var('churn_horizon_months')]) %}
with month_ends as (

    select
        as_of_date,
        slice_version,
        row_number() over (order by as_of_date asc) as month_number
    from {{ ref('int_slices') }}
    where is_month_end

),

known as (

    {% for horizon in horizons -%}
    select
        month_ends.as_of_date,
        {{ horizon }} as horizon_months,
        later.as_of_date as horizon_ends_on,
        {{ own_slice_version('later.slice_version', of='label_truth') }} as slice_version
    from month_ends
    inner join month_ends as later on month_ends.month_number + {{ horizon }} = later.month_number
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

history as (

    {% for label in label_columns() -%}
    select
        as_of_date,
        '{{ label }}' as label_type,
        count({{ label }}) as customers
    from {{ ref('customer_value_history') }}
    where order_count > 0
    group by as_of_date
    having count({{ label }}) > 0
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

expected as (

    select
        known.*,
        history.label_type,
        history.customers
    from known
    inner join history on known.as_of_date = history.as_of_date

),

truth as (

    select
        as_of_date,
        horizon_months,
        horizon_ends_on,
        label_type,
        slice_version,
        sum(customers) as customers
    from {{ ref('label_truth') }}
    group by as_of_date, horizon_months, horizon_ends_on, label_type, slice_version

)

select
    coalesce(expected.as_of_date, truth.as_of_date) as as_of_date,
    coalesce(expected.horizon_months, truth.horizon_months) as horizon_months,
    coalesce(expected.label_type, truth.label_type) as label_type,
    expected.customers as expected_customers,
    truth.customers
from expected
full outer join truth
    on
        expected.as_of_date = truth.as_of_date
        and expected.horizon_months = truth.horizon_months
        and expected.horizon_ends_on = truth.horizon_ends_on
        and expected.label_type = truth.label_type
        and expected.slice_version = truth.slice_version
where coalesce(expected.customers, 0) <> coalesce(truth.customers, 0)
