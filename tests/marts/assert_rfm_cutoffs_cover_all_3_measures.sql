-- with the seed's unique and accepted values, three rows are all measures; a missing one would score everybody 1
select count(*) as measures
from {{ ref('rfm_cutoffs') }}
having count(*) <> 3 and {{ is_with_rows() }}
