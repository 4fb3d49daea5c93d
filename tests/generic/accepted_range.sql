{#-
  Fails for each row whose column is outside minimum .. maximum, both included. Null passes: add not_null to exclude it.
  A bound that is left out is not tested. Name and arguments are those of dbt_utils.
-#}
{% test accepted_range(model, column_name, min_value=none, max_value=none) %}

select {{ column_name }}
from {{ model }}
where
    false
    {% if min_value is not none -%} or {{ column_name }} < {{ min_value }} {%- endif %}
    {% if max_value is not none -%} or {{ column_name }} > {{ max_value }} {%- endif %}

{% endtest %}
