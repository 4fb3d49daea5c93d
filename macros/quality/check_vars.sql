{#-
  Stop the run, before anything is built, when a var of dbt_project.yml holds what no model can work with.
  Runs on-run-start. Raises a compiler error that names every var at fault, its legal values and what came.
-#}
{% macro check_vars() -%}
    {%- set problems = [] -%}
    {%- do problems.extend(require_scoring_vars()) -%}
    {%- do problems.extend(require_one_of('guest_orders', ['rejected', 'own_customer', 'email'])) -%}
    {%- if execute and var('guest_orders') == 'email' and load_relation(source('privacy', 'pseudonym_key')) is none -%}
        {%- do problems.append(
            'var guest_orders: email gives guests ids by a hash with a key of your own, and there is none; make it, once '
            ~ 'per database: python scripts/set_key.py --target ' ~ target.name
        ) -%}
    {%- endif -%}
    {%- do problems.extend(require_clv_vars()) -%}
    {%- set optional_sources = [
        'order_items', 'customers', 'refunds', 'marketing_touches', 'events', 'support_tickets', 'survey_responses',
        'referrals', 'exchange_rates',
    ] -%}
    {%- for source in optional_sources -%}
        {%- do problems.extend(require_one_of('has_' ~ source, [true, false])) -%}
    {%- endfor -%}
    {%- do problems.extend(require_number('max_silent_days', 1, whole=true)) -%}
    {%- do problems.extend(require_number('max_amount', 0)) -%}
    {%- do problems.extend(require_number('max_refund_share', 0)) -%}
    {%- do problems.extend(require_number('exchange_rate_max_age_days', 0, 3660, whole=true)) -%}
    {%- if var('line_total_tolerance') is not none -%}
        {%- do problems.extend(require_number('line_total_tolerance', 0)) -%}
    {%- endif -%}
    {%- do problems.extend(require_number('window_months', 1, whole=true)) -%}
    {%- do problems.extend(require_number('default_margin_rate', 0, 1)) -%}
    {%- do problems.extend(require_number('annual_discount_rate', 0, 10)) -%}
    {%- do problems.extend(require_lifecycle_vars()) -%}
    {%- for name in ['versions_kept', 'runs_kept', 'anomaly_runs', 'anomaly_min_runs'] -%}
        {%- do problems.extend(require_number(name, 1, whole=true)) -%}
    {%- endfor -%}
    {%- do problems.extend(require_one_of('anomalies_accepted', [true, false])) -%}
    {%- set measures = ['row_count', 'net_revenue', 'reject_share', 'tier_share'] -%}
    {%- set thresholds = var('anomaly_thresholds') -%}
    {%- for measure, limits in (thresholds if thresholds is mapping else {'': thresholds}).items()
        if measure not in measures or limits is string or limits is not sequence or limits | length != 2
        or limits | reject('number') | list or limits[0] > limits[1] -%}
        {%- do problems.append(
            'var anomaly_thresholds must be {measure: [report from, stop from]}, measures ' ~ measures | join(', ')
            ~ '; it has ' ~ measure ~ ': ' ~ limits | string
        ) -%}
    {%- endfor -%}
    {%- do problems.extend(require_publication_rules()) -%}
    {%- set are_numbers = not problems -%}
    {%- for lower, upper in [
        ('abc_cutoff_a', 'abc_cutoff_b'),
        ('decline_overdue_ratio', 'churned_overdue_ratio'),
        ('formation_min_orders', 'stability_min_orders'),
    ] if are_numbers and var(lower) > var(upper) -%}
        {%- do problems.append(
            'var ' ~ lower ~ ' must not be above var ' ~ upper ~ '; they are ' ~ var(lower) ~ ' and ' ~ var(upper)
        ) -%}
    {%- endfor -%}
    {%- for name in ['sale_statuses', 'other_statuses'] -%}
        {%- if var(name) is string or var(name) is not sequence -%}
            {%- do problems.append('var ' ~ name ~ ' must be a list of statuses; it is ' ~ var(name) | string) -%}
        {%- else -%}
            {%- for status in var(name) if status != status | lower | replace(' ', '_') | replace('-', '_') -%}
                {%- do problems.append(
                    'var ' ~ name ~ ' must hold statuses in lower case with underscores; it holds ' ~ status
                ) -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for name in ['as_of_date', 'data_end_date', 'business_start_date'] -%}
        {%- if (var(name) is not none or name == 'business_start_date') and not is_date(var(name) | string) -%}
            {%- do problems.append('var ' ~ name ~ ' must be a date, YYYY-MM-DD; it is ' ~ var(name) | string) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for name in ['source_time_zone', 'reporting_time_zone'] -%}
        {%- if not modules.re.fullmatch('[A-Za-z0-9_+/-]+', var(name) | string) -%}
            {%- do problems.append(
                'var ' ~ name ~ ' must be the name of a time zone, such as Europe/Berlin; it is ' ~ var(name) | string
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if not modules.re.fullmatch('[0-9]+([.][0-9]+)? ?[KMGT]i?B', var('memory_limit') | string) -%}
        {%- do problems.append('var memory_limit must be a size, such as 4GB; it is ' ~ var('memory_limit') | string) -%}
    {%- endif -%}
    {%- if not modules.re.fullmatch('[A-Za-z]{3}', var('reporting_currency') | string) -%}
        {%- do problems.append(
            'var reporting_currency must be three letters; it is ' ~ var('reporting_currency') | string
        ) -%}
    {%- endif -%}
    {%- for name in ['test_email_patterns', 'test_customer_ids'] -%}
        {%- if var(name) is string or var(name) is not sequence -%}
            {%- do problems.append('var ' ~ name ~ ' must be a list of texts; it is ' ~ var(name) | string) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if var('source_map') is not mapping -%}
        {%- do problems.append(
            'var source_map must be {source: {table: ..., columns: {...}}}; it is ' ~ var('source_map') | string
        ) -%}
    {%- else -%}
        {%- for source in var('source_map') if source not in ['orders'] + optional_sources -%}
            {%- do problems.append('var source_map names a source ' ~ source ~ ', which the contract does not have') -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if problems and execute -%}
        {{ exceptions.raise_compiler_error('Vars that cannot be used:\n  - ' ~ problems | join('\n  - ')) }}
    {%- endif -%}
{%- endmacro %}
