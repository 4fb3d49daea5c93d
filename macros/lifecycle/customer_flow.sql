{#-
  Change of a customer from the opening of a period to its close. Active customers have an order and are not churned.

      active at both                    retained
      active at the opening alone       churned, or relabelled_churned where the threshold moved
      active at the close alone         new if without an order at the opening; if churned at the opening:
                                        resurrected, or relabelled_active where the threshold moved

  Arguments   from_stage     lifecycle stage at the opening; 'not known' before the customer was known
              to_stage       lifecycle stage at the close
              is_relabelled  condition: the stage differs because the threshold moved (see movement_cause)
  Returns     text; null where the customer is active at neither end
  Example     decline to churned, by the silence: churned; churned to formation: resurrected
  Recency only grows without a purchase, so a customer who is no longer churned has bought, or the threshold moved.
-#}
{% macro customer_flow(from_stage, to_stage, is_relabelled) -%}
    (case
        when {{ from_stage }} in ('not known', 'prospect') and {{ to_stage }} not in ('prospect', 'churned') then 'new'
        when {{ from_stage }} in ('not known', 'prospect') then null
        when {{ from_stage }} = 'churned' and {{ to_stage }} in ('prospect', 'churned') then null
        when {{ from_stage }} = 'churned' and {{ is_relabelled }} then 'relabelled_active'
        when {{ from_stage }} = 'churned' then 'resurrected'
        when {{ to_stage }} not in ('prospect', 'churned') then 'retained'
        when {{ is_relabelled }} then 'relabelled_churned'
        else 'churned'
    end)
{%- endmacro %}
