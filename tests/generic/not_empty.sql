{#-
  Fails when the relation has no row. Everything downstream is then skipped, and what was built before stays.
-#}
{% test not_empty(model) %}

select 'no rows' as problem
from {{ model }}
having count(*) = 0 and {{ is_with_rows() }}

{% endtest %}
