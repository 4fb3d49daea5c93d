{#-
  What each RFM score is computed from: the measure as a decimal whose larger values are better (recency is negated).

  Returns     dict: name of the measure -> SQL expression over the columns of int_customer_facts, numeric(18, 2)
  Example     a recency of 10 days has the basis -10.00, better than -20.00
-#}
{% macro rfm_score_bases() -%}
    {{ return({
        'recency': 'cast(-recency_days as numeric(18, 2))',
        'frequency': 'cast(frequency as numeric(18, 2))',
        'monetary': 'cast(monetary as numeric(18, 2))',
    }) }}
{%- endmacro %}
