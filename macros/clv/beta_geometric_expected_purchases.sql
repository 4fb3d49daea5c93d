{#-
  Expected purchases of a customer who is alive in the next days, BG/NBD and MBG/NBD. They depend on x and T alone, so
  compute them once per pair: the expression is long.

      E = mean over p ~ Beta(a, b') of (1 - (1 + p t / (alpha + T))^-(r + x)) / p,   b' = b + x + 1 (MBG), b + x (BG)

  by the trapezoid rule in the logit of p, 81 nodes from -20 to 12, and the tails beyond them in closed form: no gamma
  function, no 2F1, nothing special at a = 1. Where a difference would cancel, its series.

  Arguments   x                 repeat purchase days, 0 or more
              age               T, days from the first purchase day to the as-of date, 0 or more
              horizon           t, days ahead, 0 or more
              r, alpha, a, b    parameters, positive; alpha in days
              is_modified       true: MBG/NBD, false: BG/NBD
  Returns     double, purchase days, 0 or more; null where an argument is null. Relative error under 1e-8 while a is 2
              or less, 1e-6 at 5, 2e-5 at 10, where the fit's bound is
  Example     CDNOW in weeks, BG/NBD, r .243, alpha 4.414, a .793, b 2.426: x 2, T 38.86, t 39 and P(alive) of t_x 30.43
              give 1.226
  Source      Fader, Hardie and Lee 2005; Batislam, Denizel and Filiztekin 2007; the integral is their 2F1
-#}
{% macro beta_geometric_expected_purchases(x, age, horizon, r, alpha, a, b, is_modified) -%}
    {%- set double = type_double() -%}
    {%- set b_x = '(' ~ b ~ ' + ' ~ x ~ (' + 1' if is_modified else '') ~ ')' -%}
    {%- set tau = '(' ~ horizon ~ ' / (' ~ alpha ~ ' + ' ~ age ~ '))' -%}
    {%- set exponent = '(' ~ r ~ ' + ' ~ x ~ ')' -%}
    {%- set top = '(' ~ a ~ ' * ln(' ~ a ~ ' / (' ~ a ~ ' + ' ~ b_x ~ ')) + ' ~ b_x ~ ' * ln(' ~ b_x ~ ' / (' ~ a ~ ' + '
        ~ b_x ~ ')))' -%}
    {%- set left = '(exp(greatest(-20.4 * ' ~ a ~ ' - ' ~ top ~ ', -600)) / (1 - exp(greatest(-0.4 * ' ~ a ~ ', -600))))' -%}
    {%- set right = '(exp(greatest(-12.4 * ' ~ b_x ~ ' - ' ~ top ~ ', -600)) / (1 - exp(greatest(-0.4 * ' ~ b_x ~ ', -600))))' -%}
    {%- set weights, terms = [], [] -%}
    {%- for j in range(81) -%}
        {%- set e = 2.718281828459045 ** (20 - 0.4 * j) -%}
        {%- set p = 'cast(' ~ '%.17e' | format(1 / (1 + e)) ~ ' as ' ~ double ~ ')' -%}
        {%- set q = 'cast(' ~ '%.17e' | format(e / (1 + e)) ~ ' as ' ~ double ~ ')' -%}
        {%- set weight = 'exp(greatest(' ~ a ~ ' * ln(' ~ p ~ ') + ' ~ b_x ~ ' * ln(' ~ q ~ ') - ' ~ top ~ ', -600))' -%}
        {%- set z = p ~ ' * ' ~ tau -%}
        {%- set h = exponent ~ ' * case when ' ~ z ~ ' < 0.00001 then ' ~ z ~ ' * (1 - ' ~ z ~ ' / 2) else ln(1 + ' ~ z ~ ') end' -%}
        {%- do weights.append(weight) -%}
        {%- do terms.append(weight ~ ' / ' ~ p ~ ' * case when ' ~ h ~ ' < 0.00001 then ' ~ h ~ ' * (1 - ' ~ h ~ ' / 2)'
            ~ ' else 1 - exp(greatest(-' ~ h ~ ', -600)) end') -%}
    {%- endfor -%}
    (
        (
            {{ terms | join(' + ') }}
            + {{ left }} * {{ exponent }} * {{ tau }}
            + {{ right }} * (1 - exp(greatest(-{{ exponent }} * ln(1 + {{ tau }}), -600)))
        ) / (
            {{ weights | join(' + ') }}
            + {{ left }} + {{ right }}
        )
    )
{%- endmacro %}
