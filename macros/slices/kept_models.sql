{#-
  The models of this project that keep slices from run to run, by meta: slices in their YAML:

      all      every as-of date
      some     every as-of date that has rows
      latest   the current date alone
      holdout  origins, each in the version of the slice in which its holdout or horizon ends

  Arguments   slices  one of these four
              above   true: only the models that the history is made of, itself included
  Returns     list of names
-#}
{% macro kept_models(slices, above=false) -%}
    {%- set names = [] -%}
    {%- set history = definitions_of(model_id('customer_value_history')) if above else [] -%}
    {%- for node in (graph.nodes.values() if execute else []) if node.resource_type == 'model'
        and node.package_name == project_name() and node.config.meta.get('slices') == slices
        and (not above or node.unique_id in history) -%}
        {%- do names.append(node.name) -%}
    {%- endfor -%}
    {{ return(names | sort) }}
{%- endmacro %}
