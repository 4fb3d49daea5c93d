{#-
  The version in which a model keeps a slice: that of the slice, and behind it the key of what the model is made of
  beyond the history. So an edit of a model below the history replaces its own slices and no others.

  Arguments   column  version of the slice (int_slices, or what was built from it), SQL expression
              of      the model that keeps the slice; the one that calls unless given
  Returns     SQL expression
  Example     2024-01-31/5f2a9c01/0123456789abcdef in customer_value_history, with /77ab03de behind it in tier_summary
-#}
{% macro own_slice_version(column='slice_version', of=none) -%}
    {#- a unit test speaks of versions as they are given -#}
    {%- set id = model_id(of) if of else model.unique_id if model.resource_type == 'model' -%}
    {%- set key = definitions_key(id) if id else '' -%}
    {{ return(dbt.concat([column, "'/" ~ key ~ "'"]) if key else column) }}
{%- endmacro %}
