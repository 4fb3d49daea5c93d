{#-
  A short text that changes when a definition changes: a var that says how customers are judged, or the file of a model
  or seed between the bookings and the judged slices. Slices of another key are built anew; late data do not change it.

  Returns     eight hexadecimal digits
  Macros have no checksum that a model can see: after an edit of one, dbt build --full-refresh.
-#}
{% macro definitions_key() -%}
    {%- set names = [
        'window_months', 'rfm_method', 'abc_value', 'abc_cutoff_a', 'abc_cutoff_b', 'annual_discount_rate',
        'expected_gap_prior_weight', 'churned_overdue_ratio', 'churned_min_recency_days', 'decline_overdue_ratio',
        'decline_revenue_ratio', 'formation_min_orders', 'stability_min_orders', 'demotion_patience',
    ] -%}
    {%- set parts = [] -%}
    {%- for name in names -%}
        {%- do parts.append(name ~ '=' ~ var(name)) -%}
    {%- endfor -%}
    {%- if execute -%}
        {%- for id, node in graph.nodes.items() | sort if node.resource_type in ['model', 'seed']
            and (node.name in ['tier_thresholds', 'customer_value_history', 'rfm_segments', 'rfm_cutoffs', 'tier_rules']
                or node.name.startswith('int_')) -%}
            {%- do parts.append(id ~ '=' ~ node.checksum.checksum) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(local_md5(parts | join('\n'))[:8]) }}
{%- endmacro %}
