{#-
  Fails for each row where the expression is false or null: a comparison with null must not pass.
-#}
{% test expression_is_true(model, expression) %}

select *
from {{ model }}
where not coalesce({{ expression }}, false)

{% endtest %}
