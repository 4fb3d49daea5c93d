{#-
  The columns that describe a group of customers; tier_summary and segment_summary publish the same ones.
  For a select from customer_value that is grouped by as_of_date and one label.

  Returns     a list of select expressions, in the order of the marts' contracts; units and formulas are in their YAML
  Example     2 of 8 customers with 600 of 1,000 net revenue: customers 2, customer_share 0.25, net_revenue 600.00,
              net_revenue_share 0.60, net_revenue_per_customer 300.00
-#}
{% macro portfolio_measures() -%}
    cast(count(*) as integer) as customers,
    cast(count(*) as {{ type_double() }}) / sum(count(*)) over (partition by as_of_date) as customer_share,
    cast(sum(monetary) as numeric(18, 2)) as monetary,
    cast(sum(net_revenue) as numeric(18, 2)) as net_revenue,
    cast(sum(net_revenue) as {{ type_double() }})
    / nullif(cast(sum(sum(net_revenue)) over (partition by as_of_date) as {{ type_double() }}), 0) as net_revenue_share,
    {{ mean_amount('sum(net_revenue)', 'count(*)') }} as net_revenue_per_customer,
    cast(sum(margin) as numeric(18, 2)) as margin,
    cast(sum(realised_value) as numeric(18, 2)) as realised_value
{%- endmacro %}
