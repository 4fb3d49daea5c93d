{#-
  RFM score of a measure at the thresholds of a date, the columns <measure>_score_2 to _5 of tier_thresholds.

  Arguments   measure     recency, frequency or monetary
              facts       name of the table with recency_days, frequency and monetary
              thresholds  name of the table with the thresholds
  Returns     integer, 1 (worst) to 5; null where the measure is null. A threshold that is null is out of reach
  Example     recency of 30 days where recency_score_5 is 30: 5; see cutoff_score
  Source      cutoff_score; for midrank the thresholds are worked out so that it gives what midrank_score gives
-#}
{% macro score_by_thresholds(measure, facts, thresholds) -%}
    {{ cutoff_score(
        facts ~ '.' ~ ('recency_days' if measure == 'recency' else measure),
        thresholds ~ '.' ~ measure ~ '_score_2',
        thresholds ~ '.' ~ measure ~ '_score_3',
        thresholds ~ '.' ~ measure ~ '_score_4',
        thresholds ~ '.' ~ measure ~ '_score_5',
        higher_is_better=(measure != 'recency')
    ) }}
{%- endmacro %}
