{#-
  What a model is made of: the models and seeds that it depends on, directly or through others, and the model itself.

  Arguments   id  unique id of a model; one that the graph does not have, such as a unit test's, is made of nothing
  Returns     list of unique ids
-#}
{% macro definitions_of(id) -%}
    {%- set found = [id] if execute and id in graph.nodes else [] -%}
    {#- the list grows while it is walked, until everything on it has been asked for its parents -#}
    {%- for child in found -%}
        {%- for parent in graph.nodes[child].depends_on.get('nodes', [])
            if parent in graph.nodes and parent not in found -%}
            {%- do found.append(parent) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}
