{{ config(materialized='view') }} -- read once, by int_migration_counterfactuals

with history as (

    select * from {{ ref('customer_value_history') }}

),

slices as (

    select * from {{ ref('int_migration_slices') }}

)

-- A published tier that falls is compared at the month-end that has just left its patience: the last that kept it up.
-- Everything else is compared at the opening.
select
    history.*,
    opening.recency_score as opening_recency_score,
    opening.frequency_score as opening_frequency_score,
    opening.monetary_score as opening_monetary_score,
    history.last_activity_date > slices.opening_date as is_active,
    {{ held_from('history.frequency', 'history.last_order_date', var('window_months'))
        if var('rfm_population') == 'active' else 'cast(null as date)' }} as held_from,
    slices.opening_date,
    case
        when history.tier > history.opening_tier then slices.demotion_reference_date else slices.opening_date
    end as tier_reference_date
from history
inner join slices on history.as_of_date = slices.as_of_date
left join history as opening
    on
        slices.opening_date = opening.as_of_date
        and history.customer_id = opening.customer_id
where
    history.opening_tier <> history.tier
    or history.opening_rfm_segment <> history.rfm_segment
    or history.opening_lifecycle_stage <> history.lifecycle_stage
