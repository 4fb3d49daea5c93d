-- ring 1: chance_bin, overdue_bin and chance_method; boundaries, null, the worked examples
with bins as (

    {% for p, bin in {
        '0': 0, '0.006': 0, '0.0062': 1, '0.25': 6, '0.4999999': 9, '0.5000001': 10, '0.9937': 18, '0.9939': 19,
        '1': 19, 'null': 'null',
    }.items() -%}
    select
        'chance_bin of {{ p }}' as subject,
        {{ chance_bin('cast(' ~ p ~ ' as ' ~ type_double() ~ ')') }} as found,
        cast({{ bin }} as integer) as expected
    union all
    {% endfor -%}
    {% for ratio, bin in {
        '0': 0, '0.49': 0, '0.5': -1, '0.99': -1, '1': -2, '9.99': -19, '10': -20, '30': -20, 'null': 'null',
    }.items() -%}
    select
        'overdue_bin of {{ ratio }}' as subject,
        {{ overdue_bin('cast(' ~ ratio ~ ' as ' ~ type_double() ~ ')') }} as found,
        cast({{ bin }} as integer) as expected
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

methods as (

    {% for is_better, has_ratio, has_curve, has_fit, method, expected in [
        ('1 = 1', '1 = 1', '1 = 1', '1 = 1', 'auto', 'overdue_ratio'),
        ('1 = 0', '1 = 1', '1 = 1', '1 = 1', 'auto', 'recalibrated'),
        ('1 = null', '1 = 1', '1 = 1', '1 = 1', 'auto', 'recalibrated'),
        ('1 = 1', '1 = 0', '1 = 0', '1 = 1', 'auto', 'raw'),
        ('1 = null', '1 = 1', '1 = 0', '1 = 0', 'auto', 'overdue_ratio'),
        ('1 = null', '1 = 0', '1 = 0', '1 = 0', 'auto', ''),
        ('1 = 1', '1 = 1', '1 = 1', '1 = 1', 'model', 'recalibrated'),
        ('1 = 1', '1 = 1', '1 = 0', '1 = 0', 'model', ''),
        ('1 = 0', '1 = 1', '1 = 1', '1 = 1', 'overdue_ratio', 'overdue_ratio'),
        ('1 = 0', '1 = 0', '1 = 1', '1 = 1', 'overdue_ratio', 'recalibrated'),
    ] -%}
    select
        'chance_method {{ loop.index }}, {{ method }}' as subject,
        coalesce({{ chance_method(is_better, has_ratio, has_curve, has_fit, method) }}, '') as found,
        '{{ expected }}' as expected
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    subject,
    cast(found as {{ dbt.type_string() }}) as found,
    cast(expected as {{ dbt.type_string() }}) as expected
from bins
where found is distinct from expected
union all
select
    subject,
    found,
    expected
from methods
where found <> expected
