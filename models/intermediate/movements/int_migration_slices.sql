-- A separate table, built before tier_migrations changes, so that no input of tier_migrations reads tier_migrations
-- itself.
select
    as_of_date,
    opening_date,
    demotion_reference_date
from {{ ref('int_slices') }}
where {{ is_missing_slice(of='tier_migrations') }}
