{#-
  RFM score of a measure at the thresholds of a date, the columns <measure>_score_2 to _5 of int_label_thresholds.

  Arguments   measure       recency, frequency or monetary
              facts         name of the table with recency_days, frequency, monetary and customer_id
              thresholds    name of the table with the thresholds
              prefix        beginning of the names of the measures, for measures of an earlier as-of date
              splits_equals true: of the customers exactly at a threshold, those from <measure>_score_<n>_customer_id on
                            get the score (method ntile; null: all); false: all of them
              active_only   true: customers without an order in the window (frequency 0) were not ranked and get 1
  Returns     integer, 1 (worst) to 5; null where the measure is null. Nobody reaches a null threshold
  Example     recency of 30 days where recency_score_5 is 30: 5; see cutoff_score
  Source      cutoff_score; for midrank the thresholds are computed so that the result is that of midrank_score, for
              ntile that of ntile_rank_score
-#}
{% macro score_by_thresholds(measure, facts, thresholds, prefix='', splits_equals=false, active_only=false) -%}
    {%- set value = facts ~ '.' ~ prefix ~ ('recency_days' if measure == 'recency' else measure) -%}
    {%- set stem = thresholds ~ '.' ~ measure ~ '_score_' -%}
    {%- if active_only -%}
        (case when {{ facts }}.{{ prefix }}frequency = 0 and {{ value }} is not null then 1 else {{ score_by_thresholds(
            measure, facts, thresholds, prefix, splits_equals
        ) }} end)
    {%- elif not splits_equals -%}
        {{ cutoff_score(
            value, stem ~ '2', stem ~ '3', stem ~ '4', stem ~ '5', higher_is_better=(measure != 'recency')
        ) }}
    {%- else -%}
        (
            case
                when {{ value }} is null then null
                {%- for score in [5, 4, 3, 2] %}
                when {{ value }} {{ '<' if measure == 'recency' else '>' }} {{ stem }}{{ score }}
                    or {{ value }} = {{ stem }}{{ score }}
                    and coalesce({{ facts }}.customer_id >= {{ stem }}{{ score }}_customer_id, true) then {{ score }}
                {%- endfor %}
                else 1
            end
        )
    {%- endif -%}
{%- endmacro %}
