"""macros/clv as DuckDB computes them: published figures, lifetimes customer by customer, mpmath up to the edges."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import duckdb
import mpmath
import numpy as np
import pandas as pd
import pytest
from conftest import Warehouse
from scipy.special import betainc, gammaln, logsumexp
from scipy.stats import gamma, norm
from test_clv import purchases, sample  # noqa: F401

from customer_value.clv import estimation
from customer_value.project import PROJECT

PARETO, BETA = "'r', 'alpha', 's', 'beta'", "'r', 'alpha', 'a', 'b'"
CHANCE = "'(p_alive * (1 - p_no_purchase))'"
FORMULAS = {
    "pareto_nbd_p_alive": f"pareto_nbd_p_alive('x', 't_x', 'age', {PARETO})",
    "pareto_nbd_expected": f"pareto_nbd_expected_purchases('x', 'age', 'horizon', {PARETO})",
    "bg_nbd_p_alive": f"bg_nbd_p_alive('x', 't_x', 'age', {BETA})",
    "bg_nbd_expected": f"beta_geometric_expected_purchases('x', 'age', 'horizon', {BETA}, false)",
    "mbg_nbd_p_alive": f"mbg_nbd_p_alive('x', 't_x', 'age', {BETA})",
    "mbg_nbd_expected": f"beta_geometric_expected_purchases('x', 'age', 'horizon', {BETA}, true)",
    "pareto_nbd_p_no_purchase": f"pareto_nbd_p_no_purchase('x', 'age', 'horizon', {PARETO})",
    "pareto_nbd_factorial": f"pareto_nbd_factorial_moment('x', 'age', 'horizon', {PARETO})",
    "p_no_purchase": "beta_geometric_p_no_purchase('x', 'age', 'horizon', 'r', 'alpha')",
    "bg_nbd_factorial": f"beta_geometric_factorial_moment('x', 'age', 'horizon', {BETA}, false)",
    "mbg_nbd_factorial": f"beta_geometric_factorial_moment('x', 'age', 'horizon', {BETA}, true)",
    "normal": "standard_normal_quantile('share')",
    "squared_spend": "gamma_gamma_squared_spend('x', 'expected_spend', 'purchases', 'factorial', 'p', 'q')",
    "low": f"spend_quantile(share_of_buyers(0.1, {CHANCE}), 'p_no_purchase', 'spend', 'squared_spend')",
    "high": f"spend_quantile(share_of_buyers(0.9, {CHANCE}), 'p_no_purchase', 'spend', 'squared_spend')",
    "repeated": "last_window_rate('is_churned', 'frequency', 'purchase_days', 'order_count', 12)",
    "spend": "gamma_gamma_expected_spend('x', 'm', 'p', 'q', 'gamma')",
}


@pytest.fixture(scope="module")
def formulas(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return {formula: SQL expression} as dbt expands the macros for DuckDB."""
    inline = "\n;;\n".join("{{ " + formula + " }}" for formula in FORMULAS.values())
    warehouse = Warehouse(Path(tmp_path_factory.mktemp("formulas")))
    compiled = json.loads(warehouse.said("compile", "--inline", inline, "--output", "json"))["compiled"]
    return dict(zip(FORMULAS, compiled.split(";;"), strict=True))


def computed(formula: str, **columns: object) -> np.ndarray:
    """Return a formula of columns, broadcast to the same length; age, m and so on, as doubles, NaN for null."""
    arrays = np.broadcast_arrays(*[np.asarray(column, dtype=float) for column in columns.values()])
    rows = pd.DataFrame({name: np.ravel(array) for name, array in zip(columns, arrays, strict=True)})
    rows.insert(0, "position", range(len(rows)))
    with duckdb.connect() as connection:
        connection.register("rows", rows)
        found = connection.sql(f"select {formula} from rows order by position").fetchnumpy().popitem()[1]
    return np.ma.filled(np.ma.asarray(found, dtype=float), np.nan)


# --- numbers to reproduce

BG = {"r": 0.2425945, "alpha": 4.4136019, "a": 0.7929199, "b": 2.4258881}
PNBD = {"r": 0.55315, "alpha": 10.57633, "s": 0.60625, "beta": 11.67150}


def test_bg_nbd_expectation_of_hardies_sheet(formulas: dict[str, str]):
    customer = {"x": 2, "t_x": 30.43, "age": 38.86, "horizon": 39} | {
        "r": 0.243,
        "alpha": 4.414,
        "a": 0.793,
        "b": 2.426,
    }
    expected = computed(formulas["bg_nbd_expected"], **customer) * computed(formulas["bg_nbd_p_alive"], **customer)
    assert expected == pytest.approx(1.226, abs=5e-4)


def test_the_walkthrough_of_btyd(formulas: dict[str, str]):
    """BTYD 2.4.3: a customer of 26 purchases, and one that is yet to come."""
    customer = {"x": 26, "t_x": 30.857142857, "age": 31, "horizon": 52}
    new = {"x": 0, "t_x": 0, "age": 0, "horizon": 52}
    p_alive = computed(formulas["bg_nbd_p_alive"], **customer, **BG)
    assert p_alive == pytest.approx(0.9688523, rel=1e-5)
    assert p_alive * computed(formulas["bg_nbd_expected"], **customer, **BG) == pytest.approx(25.75659, rel=1e-4)
    assert computed(formulas["bg_nbd_expected"], **new, **BG) == pytest.approx(1.444004, rel=1e-5)
    p_alive = computed(formulas["pareto_nbd_p_alive"], **customer, **PNBD)
    assert p_alive == pytest.approx(0.997874, rel=1e-5)
    assert p_alive * computed(formulas["pareto_nbd_expected"], **customer, **PNBD) == pytest.approx(25.45647, rel=1e-4)
    assert computed(formulas["pareto_nbd_expected"], **new, **PNBD) == pytest.approx(1.473434, rel=1e-4)


def test_pareto_nbd_of_frequent_customers_as_in_lifetimes(formulas: dict[str, str]):
    """The test of lifetimes where the usual form of the likelihood is no longer a number."""
    at = {"age": 200, "t_x": 200, "horizon": 10, "r": 0.55, "alpha": 10.58, "s": 0.61, "beta": 11.67, "x": [132, 133]}
    expected = computed(formulas["pareto_nbd_expected"], **at) * computed(formulas["pareto_nbd_p_alive"], **at)
    assert expected == pytest.approx([6.2060517889632, 6.2528722475748], rel=1e-11)


def test_the_holdout_of_cdnow_by_number_of_purchases(formulas: dict[str, str], sample: dict[str, np.ndarray]):  # noqa: F811
    x, t_x, T = purchases(sample)
    published = {
        "actual": [0.2367, 0.6970, 1.3925, 1.5600, 2.5323, 2.9474, 3.8621, 6.3594],
        "bg_nbd": [0.2251, 0.5231, 1.0441, 1.5203, 2.1638, 2.6538, 3.5040, 6.1570],
        "pareto_nbd": [0.138, 0.600, 1.196, 1.714, 2.399, 2.907, 3.819, 6.403],
    }
    found = {"actual": sample["later"]}
    for model in ("bg_nbd", "pareto_nbd"):
        at = {"x": x, "t_x": t_x, "age": T, "horizon": 39} | estimation.fit_purchases(model, x, t_x, T).parameters
        found[model] = computed(formulas[f"{model}_p_alive"], **at) * computed(formulas[f"{model}_expected"], **at)
    for name, figures in published.items():
        means = pd.Series(found[name]).groupby(np.minimum(x, 7)).mean()
        assert means.to_numpy() == pytest.approx(figures, abs=6e-5 if name == "actual" else 1e-3), name


@pytest.mark.filterwarnings("ignore")
def test_lifetimes_customer_by_customer(formulas: dict[str, str], sample: dict[str, np.ndarray]):  # noqa: F811
    """All 2,357 customers at the peer's own parameters: the same formulas give the same numbers."""
    from lifetimes import BetaGeoFitter, GammaGammaFitter, ModifiedBetaGeoFitter, ParetoNBDFitter

    x, t_x, T = rows = purchases(sample)
    for model, peer in {
        "bg_nbd": BetaGeoFitter,
        "mbg_nbd": ModifiedBetaGeoFitter,
        "pareto_nbd": ParetoNBDFitter,
    }.items():
        own = peer().fit(*rows)
        at = {"x": x, "t_x": t_x, "age": T, "horizon": 39} | dict(own.params_)
        p_alive = computed(formulas[f"{model}_p_alive"], **at)
        theirs = np.asarray(own.conditional_probability_alive(*rows))
        assert p_alive == pytest.approx(theirs, rel=1e-6), model
        expected = p_alive * computed(formulas[f"{model}_expected"], **at)
        theirs = np.asarray(own.conditional_expected_number_of_purchases_up_to_time(39, *rows))
        assert expected == pytest.approx(theirs, rel=1e-6), model
    repeat = x > 0
    own = GammaGammaFitter().fit(x[repeat], sample["m"][repeat])
    ours = computed(
        formulas["spend"], x=x, m=sample["m"], gamma=own.params_["v"], p=own.params_["p"], q=own.params_["q"]
    )
    assert ours == pytest.approx(np.asarray(own.conditional_expected_average_profit(x, sample["m"])), rel=1e-9)


# --- over a grid that reaches the edges

CUSTOMERS = [
    (0, 0, 0), (0, 0, 1), (0, 0, 365), (0, 0, 7300), (1, 1, 1), (1, 1, 3000), (1, 364, 365), (2, 200, 280),
    (5, 30, 90), (12, 700, 720), (40, 355, 365), (40, 200, 210), (250, 364, 365), (1000, 3600, 3600),
    (1000, 3590, 3600), (1000, 10, 3600),
]  # fmt: skip
HORIZONS = [0, 1, 91.25, 1095]
PARETO_AT = [
    (0.553, 74.0, 0.606, 81.7), (0.553, 80.0, 0.606, 80.0), (1.2, 30.0, 1.0, 200.0), (1.2, 30.0, 1.0 + 1e-9, 200.0),
    (0.8, 300.0, 1.0 - 1e-5, 20.0), (0.05, 2.0, 0.03, 400.0), (6.0, 90.0, 12.0, 4000.0), (1.0, 20.0, 1e-4, 3e6),
    (1.0, 20.0, 900.0, 1e8), (0.4, 5.0, 2.5, 0.9),
]  # fmt: skip
BETA_AT = [
    (0.243, 30.9, 0.793, 2.426), (0.525, 43.3, 0.891, 1.614), (1.0, 10.0, 1.0, 1.0), (2.0, 5.0, 0.2, 6.0),
    (0.1, 100.0, 2.0, 0.5), (4.0, 50.0, 0.01, 3.0), (0.8, 20.0, 4.9, 4.9),
]  # fmt: skip


def grid(parameters: list[tuple], names: list[str]) -> dict[str, np.ndarray]:
    rows = [(*customer, t, *at) for customer, t, at in itertools.product(CUSTOMERS, HORIZONS, parameters)]
    return dict(zip(["x", "t_x", "age", "horizon", *names], np.array(rows, dtype=float).T, strict=True))


def exactly(function: object, columns: dict[str, np.ndarray]) -> np.ndarray:
    """Return a function of mpmath numbers, 50 digits, row by row."""
    mpmath.mp.dps = 50
    return np.array([float(function(*map(mpmath.mpf, row))) for row in zip(*columns.values(), strict=True)])


NODES, WEIGHTS = np.polynomial.legendre.leggauss(100)


def log_integral(log_function: object, cuts: np.ndarray) -> np.ndarray:
    """Return the logarithm of an integral from the first to the last cut, row by row: 100 nodes between two cuts."""
    lower, width = cuts[:, :-1, None], np.diff(cuts)[:, :, None]
    with np.errstate(divide="ignore"):
        parts = log_function(lower + width * (NODES + 1) / 2) + np.log(width * WEIGHTS / 2)
    return logsumexp(parts, axis=(1, 2))


def halved(start: np.ndarray, end: np.ndarray, times: int) -> np.ndarray:
    """Return cuts at the start, and at shares of the way to the end: 1/2^times, ..., 1/4, 1/2, 1."""
    shares = np.array([0, *(2.0**-i for i in range(times, -1, -1))])
    return start[:, None] + (end - start)[:, None] * shares


def pareto_p_alive(x, t_x, T, horizon, r, alpha, s, beta):
    """One over one plus the odds of having left, the integral cut where it changes; in logarithms, as odds are huge."""
    x, T, r, alpha, s, beta = (column[:, None, None] for column in (x, T, r, alpha, s, beta))

    def odds(y: np.ndarray) -> np.ndarray:
        growth = (r + x) * np.log((alpha + T) / (alpha + y))
        return np.log(s) + growth + s * np.log((beta + T) / (beta + y)) - np.log(beta + y)

    return np.exp(-np.logaddexp(0, log_integral(odds, halved(t_x, T[:, 0, 0], 24))))


def pareto_expected(x, t_x, T, t, r, alpha, s, beta):
    """The usual form: with 50 digits nothing cancels."""
    if s == 1:
        return (r + x) * (beta + T) / (alpha + T) * mpmath.log((beta + T + t) / (beta + T))
    return (r + x) * (beta + T) / (alpha + T) / (s - 1) * (1 - ((beta + T) / (beta + T + t)) ** (s - 1))


def beta_expected(modified: bool):
    """Return the usual form, by mpmath's 2F1; at a = 1 it divides by 0, so a is moved by what no double can see."""

    def expected(x, t_x, T, t, r, alpha, a, b):
        if t == 0:
            return mpmath.mpf(0)
        R, b_x = r + x, b + x + (1 if modified else 0)
        a += mpmath.mpf(10) ** -20
        spread = mpmath.hyp2f1(R, b_x, a + b_x - 1, t / (alpha + T + t)) * ((alpha + T) / (alpha + T + t)) ** R
        return (a + b_x - 1) / (a - 1) * (1 - spread)

    return expected


def test_pareto_nbd_p_alive_over_the_grid(formulas: dict[str, str]):
    columns = grid(PARETO_AT, ["r", "alpha", "s", "beta"])
    is_first = columns["horizon"] == 0
    columns = {name: column[is_first] for name, column in columns.items()}
    actual, expected = computed(formulas["pareto_nbd_p_alive"], **columns), pareto_p_alive(*columns.values())
    assert len(actual) == len(CUSTOMERS) * len(PARETO_AT)
    assert ((actual >= 0) & (actual <= 1)).all()
    assert (actual[columns["t_x"] == columns["age"]] == 1).all()
    length = (columns["age"] + columns["alpha"]) / columns["alpha"]
    assert actual[length < 2000] == pytest.approx(expected[length < 2000], rel=1e-9, abs=1e-12)
    assert actual == pytest.approx(expected, rel=1e-8, abs=1e-12)
    assert expected.min() < 1e-100


def test_pareto_nbd_expected_purchases_over_the_grid(formulas: dict[str, str]):
    columns = grid(PARETO_AT, ["r", "alpha", "s", "beta"])
    actual, expected = computed(formulas["pareto_nbd_expected"], **columns), exactly(pareto_expected, columns)
    assert (actual >= 0).all()
    assert actual == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("model", ["bg_nbd", "mbg_nbd"])
def test_beta_geometric_p_alive_over_the_grid(formulas: dict[str, str], model: str):
    columns = grid(BETA_AT, ["r", "alpha", "a", "b"])

    def p_alive(x, t_x, T, t, r, alpha, a, b):
        if model == "bg_nbd" and x == 0:
            return mpmath.mpf(1)
        return 1 / (1 + a / (b + x - (model == "bg_nbd")) * ((alpha + T) / (alpha + t_x)) ** (r + x))

    actual, expected = computed(formulas[f"{model}_p_alive"], **columns), exactly(p_alive, columns)
    assert actual == pytest.approx(expected, rel=1e-9, abs=1e-250)  # exponents end at 600


@pytest.mark.parametrize("model", ["pareto_nbd", "bg_nbd", "mbg_nbd"])
def test_p_alive_is_null_where_an_argument_is(formulas: dict[str, str], model: str):
    """As of a customer without an order, or without a fit."""
    at = {"x": 2, "t_x": 30, "age": 39} | (PNBD if model == "pareto_nbd" else BG)
    with duckdb.connect() as connection:
        for missing in at:
            row = ", ".join(f"{'null' if name == missing else value}::double as {name}" for name, value in at.items())
            (found,) = connection.execute(f"select {formulas[f'{model}_p_alive']} from (select {row})").fetchone()
            assert found is None, missing


@pytest.mark.parametrize("model", ["bg_nbd", "mbg_nbd"])
def test_beta_geometric_expected_purchases_over_the_grid(formulas: dict[str, str], model: str):
    columns = grid(BETA_AT, ["r", "alpha", "a", "b"])
    actual = computed(formulas[f"{model}_expected"], **columns)
    expected = exactly(beta_expected(model == "mbg_nbd"), columns)
    assert (actual >= 0).all()
    is_usual = columns["a"] <= 2
    assert actual[is_usual] == pytest.approx(expected[is_usual], rel=1e-8)
    assert actual == pytest.approx(expected, rel=1e-6)


def test_gamma_gamma_expected_spend_at_its_edges(formulas: dict[str, str]):
    at = {"p": 6.25, "q": 3.74, "gamma": 15.44}
    actual = computed(formulas["spend"], x=[0, 0, 2, 2, 2, 10**6], m=[np.nan, 99, 22.35, 0, -50, 40], **at)
    population = 6.25 * 15.44 / 2.74
    none = 6.25 * 15.44 / 15.24
    assert actual == pytest.approx([population, population, 24.6637, none, none, 40], rel=1e-4)


# --- ranges


def pareto_no_purchase(x, t_x, T, t, r, alpha, s, beta):
    """Who stays and is idle, and who leaves at some y before the next purchase."""
    A, B, R = alpha + T, beta + T, r + x

    def left(y: np.ndarray) -> np.ndarray:
        a, b, c, d = (column[:, None, None] for column in (A, B, R, s))
        return c * np.log(a / (a + y)) + np.log(d / (b + y)) + d * np.log(b / (b + y))

    return (A / (A + t)) ** R * (B / (B + t)) ** s + np.exp(log_integral(left, halved(0 * t, t, 12)))


def pareto_factorial(x, t_x, T, t, r, alpha, s, beta):
    """Twice the chances of two purchases at y < z <= t, the second of which still finds a customer."""
    B, R = beta + T, r + x

    def days(z: np.ndarray) -> np.ndarray:
        b, d = (column[:, None, None] for column in (B, s))
        return np.log(2 * z) + d * np.log(b / (b + z))

    return R * (R + 1) / (alpha + T) ** 2 * np.exp(log_integral(days, halved(0 * t, t, 7)))


def beta_factorial(x, t_x, T, t, r, alpha, a, b, modified: bool):
    """The sum over numbers of purchases: the k-th is made if a Poisson has k, and the k - 1 before kept them."""
    R, b_x, share = (column[:, None] for column in (r + x, b + x + modified, t / (alpha + T + t)))
    a, k = a[:, None], np.arange(2, 1000)  # shares are below 0.9 here
    # 2 (k - 1) E[(1 - p)^(k - 1)] P(N >= k), P(N = n) negative binomial
    kept = np.exp(gammaln(b_x + k - 1) - gammaln(b_x) + gammaln(a + b_x) - gammaln(a + b_x + k - 1))
    return (2 * (k - 1) * kept * betainc(k, R, share)).sum(axis=1)


def test_no_purchase_and_the_second_moment_of_pareto_nbd_over_the_grid(formulas: dict[str, str]):
    columns = grid(PARETO_AT, ["r", "alpha", "s", "beta"])
    actual = computed(formulas["pareto_nbd_p_no_purchase"], **columns)
    assert ((actual >= 0) & (actual <= 1 + 1e-12)).all()
    assert actual == pytest.approx(pareto_no_purchase(*columns.values()), abs=5e-4)
    actual, expected = computed(formulas["pareto_nbd_factorial"], **columns), pareto_factorial(*columns.values())
    assert actual == pytest.approx(expected, rel=1e-6)
    assert (actual >= 0).all()


@pytest.mark.parametrize("model", ["bg_nbd", "mbg_nbd"])
def test_no_purchase_and_the_second_moment_of_the_others_over_a_grid(formulas: dict[str, str], model: str):
    columns = grid(BETA_AT, ["r", "alpha", "a", "b"])
    few = (columns["x"] <= 12) & (columns["horizon"] <= 91.25) & (columns["alpha"] + columns["age"] >= 20)
    columns = {name: column[few] for name, column in columns.items()}
    actual = computed(formulas[f"{model}_factorial"], **columns)
    assert len(actual) > 100
    assert actual == pytest.approx(beta_factorial(*columns.values(), modified=model == "mbg_nbd"), rel=5e-3)
    actual = computed(formulas["p_no_purchase"], **columns)
    expected = (1 + columns["horizon"] / (columns["alpha"] + columns["age"])) ** -(columns["r"] + columns["x"])
    assert actual == pytest.approx(expected, rel=1e-9)


def test_moments_are_those_of_customers_who_are_drawn(formulas: dict[str, str]):
    """200,000 with x 3, T 200 days: who is still there at T, drawn from what is then known of rate and lifetime."""
    generator, size, t = np.random.default_rng(3), 200_000, 365
    at = {"r": 0.9, "alpha": 120.0, "s": 1.4, "beta": 700.0, "p": 6.0, "q": 4.0}
    x, T, m = 3, 200, 25.0
    rates = generator.gamma(at["r"] + x, 1 / (at["alpha"] + T), size)
    lifetimes = generator.exponential(1 / generator.gamma(at["s"], 1 / (at["beta"] + T), size))
    purchases = generator.poisson(rates * np.minimum(lifetimes, t))
    scales = generator.gamma(at["p"] * x + at["q"], 1 / (30.0 + x * m), size)
    spend = np.where(purchases > 0, generator.gamma(at["p"] * np.maximum(purchases, 1), 1 / scales), 0)
    given = {"x": x, "age": T, "horizon": t} | at
    expected = computed(formulas["pareto_nbd_expected"], **given)[0]
    factorial = computed(formulas["pareto_nbd_factorial"], **given)[0]
    no_purchase = computed(formulas["pareto_nbd_p_no_purchase"], **given)[0]
    assert purchases.mean() == pytest.approx(expected, rel=0.01)
    assert (purchases * (purchases - 1)).mean() == pytest.approx(factorial, rel=0.02)
    assert (purchases == 0).mean() == pytest.approx(no_purchase, rel=0.02)
    mean = computed(formulas["spend"], x=x, m=m, gamma=30.0, p=at["p"], q=at["q"])[0]
    assert spend.mean() == pytest.approx(expected * mean, rel=0.01)
    squared = computed(
        formulas["squared_spend"], x=x, expected_spend=mean, purchases=expected, factorial=factorial, p=6.0, q=4.0
    )[0]
    assert (spend**2).mean() == pytest.approx(squared, rel=0.03)
    for side, share in (("low", 0.1), ("high", 0.9)):
        of_all = {"p_alive": 1.0, "p_no_purchase": no_purchase, "spend": expected * mean, "squared_spend": squared}
        assert (spend <= computed(formulas[side], **of_all)[0]).mean() == pytest.approx(share, abs=0.06), side


def test_a_spend_that_is_not_modelled_is_the_same_every_time(formulas: dict[str, str]):
    """M^2 E[X^2], E[X^2] = 2 + 5; so is one of which very much is known."""
    ahead = {"expected_spend": 20.0, "purchases": 2.0, "factorial": 5.0}
    squared = computed(formulas["squared_spend"], x=[3, 3], p=[np.nan, 1e9], q=[np.nan, 4.0], **ahead)
    assert squared == pytest.approx(400 * 7, rel=1e-6)


def test_the_last_window_repeated(formulas: dict[str, str]):
    """The worked example, churned, not known to be, nothing in the window, no order."""
    rows = {
        "is_churned": [0, 1, np.nan, 0, np.nan], "frequency": [6, 6, 6, 0, 0],
        "purchase_days": [4, 4, 4, 4, 0], "order_count": [8, 8, 8, 8, 0],
    }  # fmt: skip
    rate = computed(formulas["repeated"], **rows)
    assert rate[:4].tolist() == [0.25, 0, 0.25, 0]
    assert np.isnan(rate[4])


def test_normal_and_spend_quantiles_at_their_edges(formulas: dict[str, str]):
    shares = np.array([1e-12, 1e-4, 0.024, 0.0243, 0.1, 0.5, 0.9, 0.9757, 0.976, 1 - 1e-6])
    assert computed(formulas["normal"], share=shares) == pytest.approx(norm.ppf(shares), rel=2e-9, abs=1e-12)
    sure = {"p_alive": 1.0, "p_no_purchase": 0.0, "spend": 100.0, "squared_spend": 11000.0}
    assert computed(formulas["low"], **sure)[0] == pytest.approx(gamma.ppf(0.1, 10, scale=10), rel=1e-3)
    assert computed(formulas["high"], **sure)[0] == pytest.approx(gamma.ppf(0.9, 10, scale=10), rel=1e-3)
    # half of them spend nothing: .9 of all is .8 of the others
    half = sure | {"p_alive": 0.5}
    assert computed(formulas["low"], **half)[0] == 0
    assert computed(formulas["high"], **half)[0] == pytest.approx(gamma.ppf(0.8, 10, scale=10), rel=1e-3)
    # hardly alive, no spend, no variance, more variance than a mean of this size can have, something not known
    rows = {
        "p_alive": [0.05, 1.0, 1.0, 1.0, np.nan, 1.0, 1.0], "p_no_purchase": [0.0, 0.5, 0.0, 0.0, 0.5, 0.0, 0.0],
        "spend": [100.0, 0.0, 100.0, 100.0, 1.0, np.nan, 1.0],
        "squared_spend": [11000.0, 0.0, 10000.0, 1e9, 2.0, 2.0, np.nan],
    }  # fmt: skip
    low, high = (computed(formulas[side], **rows) for side in ("low", "high"))
    assert low[:4].tolist() == [0, 0, 100, 0]
    assert high[:3].tolist() == [0, 0, 100]
    assert high[3] >= 0
    assert np.isnan([low[4:], high[4:]]).all()


def test_the_nodes_are_numpys():
    text = (PROJECT / "macros" / "clv" / "gauss_legendre_nodes.sql").read_text(encoding="utf-8")
    listed = [
        [float(part.strip(" '")) for part in line.strip(" [],").split(",")]
        for line in text.splitlines()
        if "['" in line
    ]
    nodes, weights = np.polynomial.legendre.leggauss(12)
    assert np.array(listed) == pytest.approx(np.array([(nodes + 1) / 2, weights / 2]).T, rel=1e-15)
