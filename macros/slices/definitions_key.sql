{#-
  A short text that changes with the definitions: the files of the models and seeds that the history is made of (another
  project may have replaced one by its own), and the vars that change the history. Slices with another key are rebuilt,
  and are no restatements of the old ones. Late data do not change the key, nor does a model that the history does not
  depend on.

  Arguments   id  unique id of another model: the key then covers only its parts that the history does not depend on
  Returns     eight hexadecimal digits; empty for a model without parts of its own
  A macro is not part of the key, because models cannot see its checksum: after an edit of a macro, run dbt build
  --full-refresh.
-#}
{% macro definitions_key(id=none) -%}
    {%- set history = definitions_of(model_id('customer_value_history')) -%}
    {%- set counted = definitions_of(id) | reject('in', history) | list if id else history -%}
    {%- set parts = [] -%}
    {%- for name, rule in project_vars().items() -%}
        {#- a var without a model (defines) changes the history -#}
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
