{#-
  The version in which a model keeps a slice: the version of the slice, followed by the key of the model's own
  definitions (definitions_key). So an edit of a model below the history replaces its own slices and no others.

  Arguments   column  version of the slice (from int_slices, or a table built from it), SQL expression
              of      the model that keeps the slice; the calling model unless given
  Returns     SQL expression
  Example     2024-01-31/5f2a9c01/0123456789abcdef in customer_value_history, with /77ab03de behind it in tier_summary
-#}
{% macro own_slice_version(column='slice_version', of=none) -%}
    {#- in a unit test, versions stay as given -#}
    {%- set id = model_id(of) if of else model.unique_id if model.resource_type == 'model' -%}
    {%- set key = definitions_key(id) if id else '' -%}
    {{ return(dbt.concat([column, "'/" ~ key ~ "'"]) if key else column) }}
{%- endmacro %}
