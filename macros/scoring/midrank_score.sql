{#-
  Score 1 (worst) to n buckets (best) by mean rank, so that equal measures get equal scores, always.

      r = customers_worse + (customers_equal + 1) / 2      the mean rank of the customer's tie group, 1 is worst
      score = 1 + floor(buckets * (r - 0.5) / n)

  Arguments   customers_worse  customers whose measure is strictly worse
              customers_equal  customers with the same measure, the customer included, at least 1
              customers_total  n, all customers scored
              buckets          number of scores, a positive integer (5 for RFM)
  Returns     integer, 1 to buckets; null where an argument is null
  Example     n = 5, all different: 1, 2, 3, 4, 5. All equal: (r - 0.5) / n = 0.5, so 3 for everybody. One customer: 3
  Source      mid-distribution rank (Parzen 2004); design, section 4
-#}
{% macro midrank_score(customers_worse, customers_equal, customers_total, buckets=5) -%}
    (
        1 + cast(
            floor(
                cast({{ buckets }} * (2 * ({{ customers_worse }}) + {{ customers_equal }}) as {{ type_double() }})
                / (2 * {{ customers_total }})
            ) as integer
        )
    )
{%- endmacro %}
