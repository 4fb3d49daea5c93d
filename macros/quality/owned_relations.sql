{#-
  The relations of this project, from operations.built_relations. If nothing is recorded yet and an earlier release has
  built here, the relations of its models and seeds are recorded first. Two tables with technical columns that nobody
  else has show that such a release has built; a build makes them after nearly all others.

  Returns     list of schema.name, in lower case
-#}
{% macro owned_relations() -%}
    {%- set owned = [] -%}
    {%- if load_relation(ownership_marker()) -%}
        {%- for row in run_query('select relation_schema, relation_name from ' ~ ownership_marker()).rows -%}
            {%- do owned.append((row[0] ~ '.' ~ row[1]) | lower) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- set columns = [] -%}
    {%- set built = [] if owned else built_relations(['customer_value_history', 'restatements'], in_full_refresh=true) -%}
    {%- for relation in built -%}
        {%- do columns.append(adapter.get_columns_in_relation(relation) | map(attribute='name') | map('lower') | list) -%}
    {%- endfor -%}
    {%- if columns and 'slice_version' in columns[0] and 'tier' in columns[0]
        and 'restatement_number' in columns[1] and 'shown_slice_version' in columns[1] -%}
        {%- do owned.extend(adopted_relations(project_relations(earlier_relations()), owned)) -%}
        {%- do log(owned | length ~ ' tables and views of an earlier release are recorded as made by this project', info=true) -%}
    {%- endif -%}
    {{ return(owned) }}
{%- endmacro %}
