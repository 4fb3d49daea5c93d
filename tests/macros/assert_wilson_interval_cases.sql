-- rings 1 and 2: the published intervals (Newcombe 1998, table I, method 3), to their four digits; to twelve digits the
-- result of scipy.stats.binomtest(...).proportion_ci(0.95, 'wilson'); both ends of the range, no trials, null
with cases (successes, trials, digits, expected_low, expected_high) as (

    values
    (81, 263, 4, 0.2553, 0.3662),
    (15, 148, 4, 0.0624, 0.1605),
    (0, 20, 4, 0.0, 0.1611),
    (1, 29, 4, 0.0061, 0.1718),
    (81, 263, 12, 0.255288519878274, 0.366209576982800),
    (1, 29, 12, 0.006113214292763, 0.171755218793203),
    (0, 1, 12, 0.0, 0.793450685622763),
    (1, 1, 12, 0.206549314377237, 1.0),
    (29, 29, 12, 0.883030201500259, 1.0),
    (5, 10, 12, 0.236593090512564, 0.763406909487436),
    (1623, 16286, 12, 0.095149712736883, 0.104351397635248),
    (0, 0, 12, null, null),
    (0, null, 12, null, null),
    (null, 20, 12, null, null)

),

actual as (

    select
        *,
        {{ wilson_interval('successes', 'trials', 'low') }} as actual_low,
        {{ wilson_interval('successes', 'trials', 'high') }} as actual_high
    from cases

)

select *
from actual
where
    (actual_low is null) <> (expected_low is null)
    or (actual_high is null) <> (expected_high is null)
    or abs(actual_low - expected_low) > case digits when 4 then 0.00005 else 1e-12 end
    or abs(actual_high - expected_high) > case digits when 4 then 0.00005 else 1e-12 end
