{#-
  The relations of this project's models and seeds, and the table int_clv_fits, which is no model where
  scripts/fit_clv.py writes it.

  Arguments   names  models and seeds, or their unique ids; all unless given
  Returns     list of relations, whether or not they exist
-#}
{% macro project_relations(names=none) -%}
    {%- set relations = [] -%}
    {%- for node in graph.nodes.values()
        if node.resource_type in ['model', 'seed'] and node.package_name == project_name()
        and (names is none or node.name in names or node.unique_id in names) -%}
        {%- do relations.append(
            api.Relation.create(database=node.database, schema=node.schema, identifier=node.alias)
        ) -%}
    {%- endfor -%}
    {%- if (names is none or 'int_clv_fits' in names) and model_id('int_clv_fits') not in graph.nodes -%}
        {%- do relations.append(relation_of('int_clv_fit_dates', 'int_clv_fits')) -%}
    {%- endif -%}
    {{ return(relations) }}
{%- endmacro %}
