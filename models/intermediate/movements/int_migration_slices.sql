-- chosen before tier_migrations is touched, in a table of its own, so that nothing it is made of reads it
select
    as_of_date,
    opening_date,
    demotion_reference_date
from {{ ref('int_slices') }}
where {{ is_missing_slice(of='tier_migrations') }}
