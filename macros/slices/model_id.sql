{#-
  The unique id of a model of this project.

  Arguments   name  name of the model
  Returns     text, whether or not there is such a model
-#}
{% macro model_id(name) -%}
    {{ return('model.' ~ project_name() ~ '.' ~ name) }}
{%- endmacro %}
