-- with the seed's tests of its key and its ranges, 125 rows are all cells, each exactly once
select count(*) as cells
from {{ ref('rfm_segments') }}
having count(*) <> 125 and {{ is_with_rows() }}
