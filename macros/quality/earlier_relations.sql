{#-
  The models and seeds of the releases that kept no record of their relations. If such a release has built here, these
  relations are this project's; owned_relations records them once. The list is written out and not read from the graph:
  the graph has today's models, and a new model in it could be a company's own table of that name. So nothing is ever
  added; a model that was renamed or removed may stay in the list, without effect.

  Returns     list of names
-#}
{% macro earlier_relations() -%}
    {{ return([
        'clv_backtest', 'clv_parameters', 'cohort_retention', 'customer_forecasts', 'customer_growth',
        'customer_value', 'customer_value_history', 'customer_value_parts', 'customers', 'int_abc_thresholds',
        'int_as_of_dates', 'int_booking_steps', 'int_clv_attempts', 'int_clv_backtest', 'int_clv_backtest_expected',
        'int_clv_backtest_facts', 'int_clv_backtest_holdouts', 'int_clv_backtest_origins', 'int_clv_backtest_sums',
        'int_clv_estimates', 'int_clv_fit_dates', 'int_clv_fit_stats', 'int_clv_fits', 'int_clv_forecasts',
        'int_clv_inputs', 'int_clv_method', 'int_clv_months', 'int_clv_pairs', 'int_clv_scores', 'int_cross_sales',
        'int_customer_changes', 'int_customer_days', 'int_customer_facts', 'int_customer_judgements',
        'int_customer_moves', 'int_customer_totals', 'int_customer_value', 'int_customers', 'int_first_seen_rejects',
        'int_ledger', 'int_line_margins', 'int_migrations', 'int_order_lines', 'int_orders',
        'int_population_measures', 'int_referral_values', 'int_rejected_rows', 'int_restated_openings',
        'int_run_anomalies', 'int_run_measures', 'int_score_thresholds', 'int_service_costs', 'int_shown_slices',
        'int_slice_thresholds', 'int_slices', 'int_split_ties', 'int_tier_spells', 'int_value_ranks',
        'oracle_discounted_value', 'oracle_scores', 'orders', 'pipeline_run_measures', 'pipeline_run_nodes',
        'pipeline_runs', 'reconciliation', 'reject_reasons', 'reject_summary', 'rejected_rows', 'restatements',
        'rfm_cutoffs', 'rfm_segments', 'segment_summary', 'stg_customer_merges', 'stg_customer_survivors',
        'stg_customers', 'stg_daily_exchange_rates', 'stg_events', 'stg_exchange_rates', 'stg_marketing_touches',
        'stg_order_items', 'stg_orders', 'stg_referral_circles', 'stg_referral_links', 'stg_referrals', 'stg_refunds',
        'stg_support_tickets', 'stg_survey_responses', 'stg_test_customers', 'stg_trading_period', 'tier_migrations',
        'tier_periods', 'tier_rules', 'tier_stability', 'tier_summary', 'tier_thresholds', 'value_concentration',
    ]) }}
{%- endmacro %}
