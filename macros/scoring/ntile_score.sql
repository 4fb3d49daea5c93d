{#-
  The classic score: n customers in order, cut into buckets of equal size. Equal measures can get different scores;
  it is here to compare with tools that score this way. Default is midrank_score.

  Arguments   measure       column, larger is better (negate recency)
              tie_breaker   column that orders equals, so that the result does not depend on row order
              partition_by  column; customers are ranked within each of its values
              buckets       number of scores, a positive integer (5 for RFM)
  Returns     integer, 1 (worst) to buckets (best); with fewer customers than buckets 1 to n;
              buckets differ by at most one customer, the larger ones first
  Example     7 customers, 5 buckets, worst to best: 1, 1, 2, 2, 3, 4, 5
  Source      SQL:2003 NTILE
-#}
{% macro ntile_score(measure, tie_breaker, partition_by, buckets=5) -%}
    (
        cast(
            ntile({{ buckets }}) over (
                partition by {{ partition_by }} order by ({{ measure }}) asc, {{ tie_breaker }} asc
            ) as integer
        )
    )
{%- endmacro %}
