{#-
  Record relations as this project's, so that it may replace them. A relation is this project's if it has a row in
  operations.built_relations, which is written before the relation is first built and only if nothing of its name exists
  yet. Raises a compiler error that names every existing table or view that is not this project's, and says what to do.

  Arguments   relations  relations that are about to be built, whether or not they exist
-#}
{% macro claim_relations(relations) -%}
    {%- set owned = owned_relations() if relations else [] -%}
    {%- set new, foreign = [], [] -%}
    {%- for relation in relations if relation_key(relation) not in owned -%}
        {%- do foreign.append(relation_key(relation)) if load_relation(relation) else new.append(relation) -%}
    {%- endfor -%}
    {%- if foreign -%}
        {{ exceptions.raise_compiler_error(
            'This run would replace tables or views, and nothing shows that this project made them:\n  - '
            ~ foreign | sort | join('\n  - ')
            ~ '\nRename them, or give this project a database of its own (CUSTOMER_VALUE_DATABASE, PGDATABASE). If it did '
            ~ 'make them (by a run of an earlier release that did not finish, or by dbt clone), say so once, with the '
            ~ 'target of this run: dbt run-operation adopt_relations'
        ) }}
    {%- endif -%}
    {%- do record_relations(new) -%}
{%- endmacro %}
