{#-
  The definition of a model: the models and seeds that it depends on, directly or through others, and the model itself.

  Arguments   id  unique id of a model; an id that is not in the graph, such as a unit test's, gives an empty list
  Returns     list of unique ids
-#}
{% macro definitions_of(id) -%}
    {%- set found = [id] if execute and id in graph.nodes else [] -%}
    {#- the list grows while it is read, until the parents of everything on it are on it -#}
    {%- for child in found -%}
        {%- for parent in graph.nodes[child].depends_on.get('nodes', [])
            if parent in graph.nodes and parent not in found -%}
            {%- do found.append(parent) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}
