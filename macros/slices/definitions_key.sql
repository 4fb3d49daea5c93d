{#-
  A short text that changes when a definition changes: the file of a model or seed that the history is made of, which
  another project may have replaced by its own, or a var that says what counts and how customers are judged. Slices of
  another key are built anew, and are no restatements of the old ones. Late data do not change it, nor does a model that
  the history is not made of.

  Arguments   id  unique id of another model: the key of what it is made of beyond the history
  Returns     eight hexadecimal digits; empty where a model is made of nothing beyond the history
  Macros have no checksum that a model can see: after an edit of one, dbt build --full-refresh.
-#}
{% macro definitions_key(id=none) -%}
    {%- set history = definitions_of(model_id('customer_value_history')) -%}
    {%- set counted = definitions_of(id) | reject('in', history) | list if id else history -%}
    {%- set parts = [] -%}
    {%- for name, rule in project_vars().items() -%}
        {#- a var that names no model defines the history -#}
        {%- set model_name = rule.get('defines', 'customer_value_history') -%}
        {%- if model_name and model_id(model_name) in counted -%}
            {%- do parts.append(name ~ '=' ~ tojson(var(name))) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for node in counted | sort -%}
        {%- do parts.append(node ~ '=' ~ graph.nodes[node].checksum.checksum) -%}
    {%- endfor -%}
    {{ return(local_md5(parts | join('\n'))[:8] if parts else '') }}
{%- endmacro %}
