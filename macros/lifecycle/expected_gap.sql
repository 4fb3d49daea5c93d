{#-
  Expected days between two purchases of a customer: the customer's mean gap, steadied by the population's.

      expected gap = (sum of the customer's gaps + k * population mean gap) / (number of gaps + k)

  Arguments   gap_days             sum of the days between the customer's consecutive purchase days, 0 without a gap
              gap_count            number of those gaps, 0 for a customer with one purchase day
              population_mean_gap  mean of all gaps of all customers, days; null when nobody has bought on two days
              prior_weight         k, how many population gaps count; 0 or more
  Returns     double, days, positive; null where population_mean_gap is null, or k = 0 and there is no gap
  Example     gaps of 10 and 20 days, population mean 30, k = 2: (30 + 60) / 4 = 22.5; no gap yet: 30
  Source      shrinkage of a mean to the population's with k pseudo-observations (Efron and Morris 1975)
-#}
{% macro expected_gap(gap_days, gap_count, population_mean_gap, prior_weight) -%}
    (
        (cast({{ gap_days }} as {{ type_double() }}) + {{ prior_weight }} * {{ population_mean_gap }})
        / nullif(cast({{ gap_count }} as {{ type_double() }}) + {{ prior_weight }}, 0)
    )
{%- endmacro %}
