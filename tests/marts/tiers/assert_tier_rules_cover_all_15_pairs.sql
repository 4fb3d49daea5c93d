-- with the seed's tests of its key and its ranges, 15 rows are all pairs, each exactly once
select count(*) as pairs
from {{ ref('tier_rules') }}
having count(*) <> 15 and {{ is_with_rows() }}
