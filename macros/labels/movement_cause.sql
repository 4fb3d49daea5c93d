{#-
  The cause of a change of label since the opening, by one counterfactual: the label that today's own measures would
  have had at the thresholds of the opening.

      none             the label is the same
      threshold_shift  at the old thresholds it would be the old label: the threshold moved
      behaviour        it would not be the old label, and the customer ordered or returned something since
      ageing           it would not be the old label, and the customer did nothing: only time passed

  Arguments   opening         the label at the opening
              closing         the label now
              counterfactual  the label now at the thresholds of the opening
              is_active       whether the customer did anything since the opening
  Returns     one of the four names. Labels must not be null: give customers without a label a name such as none
  Example     A customer of 500.00 was A from 480.00 and is B because A now begins at 510.00: threshold_shift
  Source      one-at-a-time decomposition, own measures before thresholds (models/docs/decisions)
-#}
{% macro movement_cause(opening, closing, counterfactual, is_active) -%}
    (
        case
            when ({{ opening }}) = ({{ closing }}) then 'none'
            when ({{ opening }}) = ({{ counterfactual }}) then 'threshold_shift'
            when {{ is_active }} then 'behaviour'
            else 'ageing'
        end
    )
{%- endmacro %}
