{#-
  Print, at the start of a run, the views of other owners that read tables or views of dbt, directly or through other
  views: if the adapter drops with cascade, as on Postgres, they are dropped with the table. Views of models of an
  earlier release, which operations.built_relations lists, are this project's own. Runs on-run-start, after
  check_ownership; writes one line per view to the log. scripts/customer_value/publish/postgres_marks.py prints the same
  in a refresh.
-#}
{% macro say_foreign_readers() -%}
    {%- if execute -%}
        {%- do adapter.dispatch('say_foreign_readers', 'customer_value_warehouse')() -%}
    {%- endif -%}
{%- endmacro %}

{% macro default__say_foreign_readers() -%}
{%- endmacro %}

{% macro postgres__say_foreign_readers() -%}
    {%- set own = [] -%}
    {%- for node in graph.nodes.values() if node.resource_type in ['model', 'snapshot'] -%}
        {%- do own.append("('" ~ node.schema ~ "', '" ~ node.alias ~ "')") -%}
    {%- endfor -%}
    {%- set found = run_query("
        with recursive own (schema_name, relation_name) as (values " ~ own | join(', ') ~ "),
        built as (
            select classes.oid
            from pg_class as classes
            inner join pg_namespace as schemas on classes.relnamespace = schemas.oid
            inner join own on schemas.nspname = own.schema_name and classes.relname = own.relation_name
            union
            select rules.ev_class
            from built
            inner join pg_depend as dependencies
                on built.oid = dependencies.refobjid and dependencies.refclassid = cast('pg_class' as regclass)
                    and dependencies.classid = cast('pg_rewrite' as regclass)
            inner join pg_rewrite as rules on dependencies.objid = rules.oid
        )
        select schemas.nspname || '.' || classes.relname
        from built
        inner join pg_class as classes on built.oid = classes.oid
        inner join pg_namespace as schemas on classes.relnamespace = schemas.oid
        left join own on schemas.nspname = own.schema_name and classes.relname = own.relation_name
        where classes.relkind in ('v', 'm') and own.schema_name is null
            and position('__dbt_' in classes.relname) = 0
        order by 1
    ") -%}
    {%- set recorded = owned_relations() -%}
    {%- for row in found.rows if row[0] | lower not in recorded -%}
        {%- do log(
            'warning: ' ~ row[0] ~ ' reads what dbt builds: dbt drops it with the table; let it read schema published',
            info=true
        ) -%}
    {%- endfor -%}
{%- endmacro %}
