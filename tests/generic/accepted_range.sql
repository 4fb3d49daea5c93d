{#-
  Fails for each row whose column lies outside minimum .. maximum, both included. Null passes: say not_null beside it.
  A bound that is left out does not bind. Named and shaped as in dbt_utils.
-#}
{% test accepted_range(model, column_name, min_value=none, max_value=none) %}

select {{ column_name }}
from {{ model }}
where
    false
    {% if min_value is not none -%} or {{ column_name }} < {{ min_value }} {%- endif %}
    {% if max_value is not none -%} or {{ column_name }} > {{ max_value }} {%- endif %}

{% endtest %}
