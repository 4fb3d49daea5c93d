{#-
  Fails when the relation has no row. dbt then skips everything downstream, and earlier tables stay.
-#}
{% test not_empty(model) %}

select 'no rows' as problem
from {{ model }}
having count(*) = 0 and {{ is_with_rows() }}

{% endtest %}
