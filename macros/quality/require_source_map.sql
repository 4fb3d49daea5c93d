{#-
  Lines for check_vars when var source_map is no mapping, or names a source that is not in the contract. The sources are
  orders and those with a var has_<source>: a source that is switched off is not in the graph, but may be mapped.

  Returns     list of sentences that say what came; empty when there is nothing to say
-#}
{% macro require_source_map() -%}
    {%- set source_map, problems, sources = var('source_map'), [], ['orders'] -%}
    {%- for name in project_vars() if name.startswith('has_') -%}
        {%- do sources.append(name[4:]) -%}
    {%- endfor -%}
    {%- if source_map is not mapping -%}
        {%- do problems.append(
            'var source_map must be {source: {table: ..., columns: {...}}}; it is ' ~ source_map | string
        ) -%}
    {%- else -%}
        {%- for source in source_map if source not in sources -%}
            {%- do problems.append('var source_map names a source ' ~ source ~ ', which the contract does not have') -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(problems) }}
{%- endmacro %}
