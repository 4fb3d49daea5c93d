{#-
  The vars of dbt_project.yml: the legal values of each, and the first model that it changes. To add a var, add it here,
  and there with its comment; check_vars and definitions_key read this list. A var without a key for its legal values
  has a check macro of its own, or none.

  Returns     {name: rule}, with these keys of a rule:
                one_of       the legal values, for true or false too
                number       [smallest, largest] legal number; [smallest] has no upper limit
                whole        true: a whole number
                or_null      true: null is legal, too
                not_above    another var, whose number must not be smaller
                pattern      regular expression of the whole text; must_be has it in words
                date         true: a date, YYYY-MM-DD
                list_of      texts, statuses (lower case with underscores) or months (rising, 1 to 120)
                defines      the first model whose rows the var changes; unless given, the history depends on it;
                             none: the var is about the run only and changes no row of a closed slice
-#}
{% macro project_vars() -%}
    {%- set flag = {'one_of': [true, false]} -%}
    {%- set name_of_zone = {
        'pattern': '[A-Za-z0-9_+/-]+', 'must_be': 'the name of a time zone, such as Europe/Berlin',
    } -%}
    {{ return({
        'raw_schema': {'defines': none},
        'source_map': {},
        'has_order_items': flag,
        'has_customers': flag,
        'has_refunds': flag,
        'has_marketing_touches': flag,
        'has_events': flag,
        'has_support_tickets': flag,
        'has_survey_responses': flag,
        'has_referrals': flag,
        'has_exchange_rates': flag,
        'sale_statuses': {'list_of': 'statuses'},
        'other_statuses': {'list_of': 'statuses'},

        'business_start_date': {'date': true},
        'data_end_date': {'date': true, 'or_null': true, 'defines': none},
        'max_silent_days': {'number': [1], 'whole': true, 'defines': none},
        'max_amount': {'number': [0]},
        'max_refund_share': {'number': [0]},
        'line_total_tolerance': {'number': [0], 'or_null': true},
        'guest_orders': {'one_of': ['rejected', 'own_customer', 'email']},
        'test_email_patterns': {'list_of': 'texts'},
        'test_customer_ids': {'list_of': 'texts'},

        'as_of_date': {'date': true, 'or_null': true, 'defines': none},
        'window_months': {'number': [1], 'whole': true},
        'source_time_zone': name_of_zone,
        'reporting_time_zone': name_of_zone,

        'reporting_currency': {'pattern': '[A-Za-z]{3}', 'must_be': 'three letters'},
        'exchange_rate_max_age_days': {'number': [0, 3660], 'whole': true},
        'default_margin_rate': {'number': [0, 1]},
        'annual_discount_rate': {'number': [0, 10]},

        'rfm_method': {'one_of': ['midrank', 'ntile', 'cutoffs']},
        'rfm_population': {'one_of': ['active', 'all']},
        'abc_value': {'one_of': abc_value_columns() | list},
        'abc_cutoff_a': {'number': [0.01, 1], 'not_above': 'abc_cutoff_b'},
        'abc_cutoff_b': {'number': [0.01, 1]},
        'demotion_patience': {'number': [1, 60], 'whole': true},

        'expected_gap_prior_weight': {'number': [0]},
        'stage_method': {'one_of': ['calibrated', 'fixed']},
        'churn_horizon_months': {'number': [1, 120], 'whole': true},
        'label_lookback_months': {'number': [2, 1200], 'whole': true},
        'churned_return_rate': {'number': [0, 1]},
        'churned_return_share': {'number': [0, 1], 'not_above': 'decline_return_share'},
        'decline_return_share': {'number': [0, 1]},
        'min_group_size': {'number': [1], 'whole': true},
        'return_bins_per_ratio': {'number': [1, 100], 'whole': true},
        'return_max_ratio': {'number': [2, 100], 'whole': true},
        'churned_overdue_ratio': {'number': [0]},
        'churned_min_recency_days': {'number': [0], 'whole': true},
        'decline_overdue_ratio': {'number': [0], 'not_above': 'churned_overdue_ratio'},
        'decline_revenue_ratio': {'number': [0]},
        'formation_min_orders': {'number': [2], 'whole': true, 'not_above': 'stability_min_orders'},
        'stability_min_orders': {'number': [2], 'whole': true},

        'clv_model': {'one_of': ['pareto_nbd', 'mbg_nbd', 'bg_nbd']},
        'clv_method': {'one_of': ['model', 'last_window', 'auto'], 'defines': 'int_clv_method'},
        'clv_refit_months': {'number': [1, 120], 'whole': true},
        'clv_min_repeat_customers': {'number': [1], 'whole': true},
        'clv_horizons_months': {'list_of': 'months'},
        'clv_interval': {'number': [0.01, 0.999]},
        'clv_backtest_months': {'number': [1, 120], 'whole': true, 'defines': 'int_clv_backtest_origins'},

        'p_order_method': {'one_of': ['auto', 'model', 'overdue_ratio']},
        'p_order_prior_origins': {'number': [0]},
        'p_order_prior_customers': {'number': [1]},
        'churn_risk_medium': {'number': [0, 1], 'not_above': 'churn_risk_high'},
        'churn_risk_high': {'number': [0, 1]},

        'versions_kept': {'number': [1], 'whole': true, 'defines': none},
        'runs_kept': {'number': [1], 'whole': true, 'defines': none},
        'anomaly_runs': {'number': [1], 'whole': true, 'defines': none},
        'anomaly_min_runs': {'number': [1], 'whole': true, 'defines': none},
        'anomaly_thresholds': {'defines': none},
        'publication_rules': {'defines': none},
        'anomalies_accepted': {'one_of': [true, false], 'defines': none},
        'memory_limit': {
            'pattern': '[0-9]+([.][0-9]+)? ?[KMGT]i?B', 'must_be': 'a size, such as 4GB', 'defines': none,
        },
    }) }}
{%- endmacro %}
