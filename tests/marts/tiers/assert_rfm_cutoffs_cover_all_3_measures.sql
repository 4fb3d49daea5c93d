-- with the seed's tests of its key and its values, three rows are all measures; without one of them, all customers
-- would get a 1
select count(*) as measures
from {{ ref('rfm_cutoffs') }}
having count(*) <> 3 and {{ is_with_rows() }}
