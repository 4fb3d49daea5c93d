{#-
  Print, at the start of a run, the features that dbt users expect and the engine lacks, and their replacements. Runs
  on-run-start; writes one line per limit to the log, nothing on an engine without limits.
-#}
{% macro say_engine_limits() -%}
    {%- if execute -%}
        {%- for limit in adapter.dispatch('engine_limits', 'customer_value_warehouse')() -%}
            {%- do log(target.type ~ ': ' ~ limit, info=true) -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{% macro default__engine_limits() -%}
    {{ return([]) }}
{%- endmacro %}

{# the adapter sets a contract's constraints on Delta tables only; these are Iceberg #}
{% macro spark__engine_limits() -%}
    {{ return(['not_null constraints of contracts are not set by the engine; the test not_null_constraints checks them']) }}
{%- endmacro %}
