{#-
  Lines for check_vars when int_run_anomalies cannot use var anomaly_thresholds.

  Returns     list of sentences that name the legal values and what came; empty when there is nothing to say
-#}
{% macro require_anomaly_thresholds() -%}
    {%- set thresholds, problems = var('anomaly_thresholds'), [] -%}
    {%- set measures = ['row_count', 'net_revenue', 'reject_share', 'tier_share'] -%}
    {%- for measure, limits in (thresholds if thresholds is mapping else {'': thresholds}).items()
        if measure not in measures or limits is string or limits is not sequence or limits | length != 2
        or limits | reject('number') | list or limits[0] > limits[1] -%}
        {%- do problems.append(
            'var anomaly_thresholds must be {measure: [report from, stop from]}, measures ' ~ measures | join(', ')
            ~ '; it has ' ~ measure ~ ': ' ~ limits | string
        ) -%}
    {%- endfor -%}
    {{ return(problems) }}
{%- endmacro %}
