{#-
  NTILE's score for the customer at a rank: n customers in order, cut into buckets of equal size, the larger ones first.
  It is computed from the rank, not over all customers, so that it also gives the thresholds.

      size = floor(n / buckets), larger = n - buckets * size buckets with one more
      score = ceil(rank / (size + 1))                          within the larger ones
            = larger + ceil((rank - larger * (size + 1)) / size)   after them

  Arguments   rank             1 (worst) to n
              customers_total  n, all customers scored
              buckets          number of scores, a positive integer (5 for RFM)
  Returns     integer, 1 to buckets
  Example     7 customers, 5 buckets: ranks 1 to 7 get 1, 1, 2, 2, 3, 4, 5
  Source      SQL:2003 NTILE
-#}
{% macro ntile_rank_score(rank, customers_total, buckets=5) -%}
    {%- set size = 'floor(cast(' ~ customers_total ~ ' as ' ~ type_double() ~ ') / ' ~ buckets ~ ')' -%}
    {%- set larger = '((' ~ customers_total ~ ') - ' ~ buckets ~ ' * ' ~ size ~ ')' -%}
    (cast(
        case
            when ({{ rank }}) <= {{ larger }} * ({{ size }} + 1)
                then ceil(cast({{ rank }} as {{ type_double() }}) / ({{ size }} + 1))
            else {{ larger }} + ceil((({{ rank }}) - {{ larger }} * ({{ size }} + 1)) / nullif({{ size }}, 0))
        end as integer
    ))
{%- endmacro %}
