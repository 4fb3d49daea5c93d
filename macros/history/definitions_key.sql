{#-
  A short text that changes when a definition changes: a var that says what counts and how customers are judged, or the
  file of a model or of a seed of the business, which another project may have replaced by its own. Slices of another
  key are built anew, and are no restatements of the old ones; late data do not change it.

  Returns     eight hexadecimal digits
  Macros have no checksum that a model can see: after an edit of one, dbt build --full-refresh.
-#}
{% macro definitions_key() -%}
    {%- set names = [
        'source_map', 'has_order_items', 'has_customers', 'has_refunds', 'has_exchange_rates', 'has_marketing_touches',
        'has_events', 'has_support_tickets', 'has_survey_responses', 'has_referrals', 'sale_statuses', 'other_statuses',
        'business_start_date', 'max_amount', 'max_refund_share', 'line_total_tolerance', 'guest_orders',
        'test_email_patterns', 'test_customer_ids', 'source_time_zone', 'reporting_time_zone', 'reporting_currency',
        'exchange_rate_max_age_days', 'default_margin_rate', 'annual_discount_rate',
        'window_months', 'rfm_method', 'rfm_population', 'abc_value', 'abc_cutoff_a', 'abc_cutoff_b', 'demotion_patience',
        'expected_gap_prior_weight', 'churned_overdue_ratio', 'churned_min_recency_days', 'decline_overdue_ratio',
        'decline_revenue_ratio', 'formation_min_orders', 'stability_min_orders', 'clv_model',
        'clv_refit_months', 'clv_min_repeat_customers', 'clv_horizons_months',
        'clv_interval', 'clv_method', 'clv_backtest_months',
        'stage_method', 'churn_horizon_months', 'label_lookback_months', 'churned_return_rate', 'churned_return_share',
        'decline_return_share', 'min_group_size', 'return_bins_per_ratio', 'return_max_ratio', 'p_order_method',
        'p_order_prior_origins', 'p_order_prior_customers', 'churn_risk_medium', 'churn_risk_high',
    ] -%}
    {%- set parts = [] -%}
    {%- for name in names -%}
        {%- do parts.append(name ~ '=' ~ tojson(var(name))) -%}
    {%- endfor -%}
    {%- if execute -%}
        {%- set seeds = ['reject_reasons', 'rfm_cutoffs', 'rfm_segments', 'tier_rules'] -%}
        {%- for id, node in graph.nodes.items() | sort if node.resource_type == 'seed' and node.name in seeds
            or node.resource_type == 'model' and node.package_name == 'customer_value' -%}
            {%- do parts.append(id ~ '=' ~ node.checksum.checksum) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(local_md5(parts | join('\n'))[:8]) }}
{%- endmacro %}
