{#-
  Stop a run on a target that is there to read what a refresh published (postgres_published in profiles.yml), before
  anything is built over it. Runs on-run-start. Raises a compiler error that names the target to build on.
-#}
{% macro check_target() -%}
    {%- if execute and target.schema == 'published' -%}
        {{ exceptions.raise_compiler_error(
            'Target ' ~ target.name ~ ' is for reading the published marts (mf, dbt show). Build with target postgres; '
            ~ 'scripts/refresh.py publishes.'
        ) }}
    {%- endif -%}
{%- endmacro %}
