{#-
  Score 1 (worst) to 5 (best) by fixed thresholds, each the worst measure that still earns its score.

  Arguments   measure                             the scored measure
              score_2, score_3, score_4, score_5  thresholds, in the measure's unit, each better than the one before
              higher_is_better                    true: at least the threshold; false (recency): at most the threshold
  Returns     integer, 1 to 5; null where measure is null
  Example     recency 30 days with thresholds 180, 90, 60, 30 and lower better: 5; 31 days: 4; 181 days: 1
  Source      fixed-threshold RFM; the thresholds are the company's own, seed rfm_cutoffs
-#}
{% macro cutoff_score(measure, score_2, score_3, score_4, score_5, higher_is_better=true) -%}
    {%- set reaches = '>=' if higher_is_better else '<=' -%}
    (
        case
            when ({{ measure }}) is null then null
            when ({{ measure }}) {{ reaches }} {{ score_5 }} then 5
            when ({{ measure }}) {{ reaches }} {{ score_4 }} then 4
            when ({{ measure }}) {{ reaches }} {{ score_3 }} then 3
            when ({{ measure }}) {{ reaches }} {{ score_2 }} then 2
            else 1
        end
    )
{%- endmacro %}
