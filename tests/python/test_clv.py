"""Fits of predicted value: every published figure, another package beside them, the edges of their input."""

from __future__ import annotations

from importlib import metadata

import mpmath
import numpy as np
import pandas as pd
import pytest

from customer_value.clv import estimation

Columns = tuple[np.ndarray, ...]


def cdnow_file(name: str) -> str:
    return str(metadata.distribution("lifetimes").locate_file(f"lifetimes/datasets/{name}"))


@pytest.fixture(scope="module")
def sample() -> dict[str, np.ndarray]:
    """Return the 2,357 customers of CDNOW's cohort sample: x, t_x, T in weeks, m, and purchases in the 39 after."""
    days = pd.read_csv(cdnow_file("CDNOW_sample.txt"), sep=r"\s+", names=["master_id", "id", "date", "cds", "dollars"])
    days["date"] = pd.to_datetime(days["date"].astype(str))
    days = days.groupby(["id", "date"], as_index=False)["dollars"].sum()
    end = pd.Timestamp("1997-09-30")
    calibration = days[days["date"] <= end].groupby("id")
    first, last = calibration["date"].min(), calibration["date"].max()
    x = calibration.size() - 1
    later = days[days["date"] > end].groupby("id").size().reindex(x.index, fill_value=0)
    repeat_spend = calibration["dollars"].sum() - calibration["dollars"].first()
    return {
        "x": x.to_numpy(), "t_x": (last - first).dt.days.to_numpy() / 7, "T": (end - first).dt.days.to_numpy() / 7,
        "m": (repeat_spend / x.where(x > 0)).fillna(0).to_numpy(), "later": later.to_numpy(),
    }  # fmt: skip


def purchases(sample: dict[str, np.ndarray]) -> Columns:
    return sample["x"], sample["t_x"], sample["T"]


def given(fit: estimation.Fit) -> list[float]:
    return list(fit.parameters.values())


# --- numbers to reproduce


def test_bg_nbd_is_that_of_clvtools_and_of_the_paper(sample: dict[str, np.ndarray]):
    """CLVTools test_correctness_bgnbd.R; Fader, Hardie and Lee 2005 print .243, 4.414, .793, 2.426."""
    fit = estimation.fit_purchases("bg_nbd", *purchases(sample))
    assert list(fit.parameters) == ["r", "alpha", "a", "b"]
    assert given(fit) == pytest.approx([0.2425945, 4.4136019, 0.7929199, 2.4258881], rel=1e-5)
    assert [round(value, 3) for value in given(fit)] == [0.243, 4.414, 0.793, 2.426]
    assert fit.log_likelihood == pytest.approx(-9582.429, abs=5e-4)
    assert (fit.customers, fit.repeat_customers, fit.state, fit.note) == (2357, 946, "fitted", "")


def test_pareto_nbd_is_that_of_clvtools(sample: dict[str, np.ndarray]):
    """CLVTools test_correctness_pnbd. Its search stopped a little short of the top: the likelihood there is lower."""
    fit = estimation.fit_purchases("pareto_nbd", *purchases(sample))
    published = [0.55315, 10.57633, 0.60625, 11.67150]
    assert given(fit) == pytest.approx(published, rel=3e-4)
    assert fit.log_likelihood == pytest.approx(-9594.976, abs=5e-4)
    assert fit.log_likelihood >= estimation.pareto_nbd(np.array(published), *purchases(sample))[0].sum()


def test_mbg_nbd_is_that_of_lifetimes_and_btydplus(sample: dict[str, np.ndarray]):
    fit = estimation.fit_purchases("mbg_nbd", *purchases(sample))
    assert [round(value, 3) for value in given(fit)] == [0.525, 6.183, 0.891, 1.614]


def test_gamma_gamma_is_that_of_clvtools(sample: dict[str, np.ndarray]):
    """CLVTools test_correctness_gg.R; nothing is winsorised there, nor in so few customers here."""
    fit = estimation.fit_spend(sample["x"], sample["m"])
    assert [round(value, 2) for value in given(fit)] == [6.25, 3.74, 15.44]
    assert fit.log_likelihood == pytest.approx(-4055.9177, abs=5e-5)
    assert fit.customers == 946


# --- beside other implementations


@pytest.mark.filterwarnings("ignore")
def test_lifetimes_as_a_peer(sample: dict[str, np.ndarray]):
    """Python package lifetimes 0.11.3: its likelihood at our parameters, and its own parameters beside ours."""
    from lifetimes import BetaGeoFitter, GammaGammaFitter, ModifiedBetaGeoFitter, ParetoNBDFitter

    peers = {"bg_nbd": BetaGeoFitter, "mbg_nbd": ModifiedBetaGeoFitter, "pareto_nbd": ParetoNBDFitter}
    for model, peer in peers.items():
        fit = estimation.fit_purchases(model, *purchases(sample))
        own = peer().fit(*purchases(sample))
        assert given(fit) == pytest.approx(list(own.params_), rel=2e-3), model
        ours, _ = estimation.MODELS[model][0](np.array(list(own.params_)), *purchases(sample))
        assert ours.sum() <= fit.log_likelihood + 1e-6, model
        at = own.params_ if model == "pareto_nbd" else np.log(own.params_)
        theirs = -own._negative_log_likelihood(at, *purchases(sample), np.ones(2357), 0)
        total = ours.sum() if model == "pareto_nbd" else ours.mean()
        assert total == pytest.approx(theirs, abs=1e-6), model
    repeat = sample["x"] > 0
    own = GammaGammaFitter().fit(sample["x"][repeat], sample["m"][repeat])
    assert given(estimation.fit_spend(sample["x"], sample["m"])) == pytest.approx(list(own.params_), rel=2e-3)


CUSTOMERS = [
    (0, 0.0, 0.0), (0, 0.0, 1e-3), (0, 0.0, 40.0), (1, 1e-3, 40.0), (2, 30.43, 38.86), (3, 40.0, 40.0),
    (7, 0.7, 300.0), (60, 59.0, 60.0), (132, 200.0, 200.0), (500, 90.0, 3000.0),
]  # fmt: skip
PARAMETERS = [(0.55, 10.58, 0.61, 11.67), (0.55, 11.0, 1.0, 11.0), (2.0, 0.3, 3.0, 50.0), (0.05, 70.0, 0.02, 0.4)]


@pytest.mark.parametrize("parameters", PARAMETERS)
def test_pareto_nbd_likelihood_is_the_integral_that_defines_it(parameters: tuple[float, ...]):
    """Against mpmath's adaptive quadrature with 40 digits, up to customers of 500 purchases."""
    mpmath.mp.dps = 40
    r, alpha, s, beta = map(mpmath.mpf, parameters)
    rows = [np.array(column) for column in zip(*CUSTOMERS, strict=True)]
    ours, _ = estimation.pareto_nbd(np.array(parameters), *rows)
    for (x, t_x, T), value in zip(CUSTOMERS, ours, strict=True):
        R = r + x
        cuts = [t_x, *(t_x + (T - t_x) * mpmath.mpf(2) ** -i for i in range(20, -1, -1))]
        gone = mpmath.quad(lambda y, R=R: (alpha + y) ** -R * (beta + y) ** -(s + 1), cuts)
        expected = mpmath.log(
            mpmath.gamma(R) / mpmath.gamma(r) * alpha**r * beta**s
            * ((alpha + T) ** -R * (beta + T) ** -s + s * gone)
        )  # fmt: skip
        assert value == pytest.approx(float(expected), rel=1e-10, abs=1e-10), (x, t_x, T)


@pytest.mark.parametrize("parameters", PARAMETERS)
@pytest.mark.parametrize("model", estimation.MODELS)
def test_slopes_are_those_of_the_likelihoods(model: str, parameters: tuple[float, ...]):
    likelihood, at = estimation.MODELS[model][0], np.array(parameters)
    rows = [np.array(column) for column in zip(*CUSTOMERS, strict=True)]
    _, slopes = likelihood(at, *rows)
    for i in range(4):
        step = np.eye(4)[i] * at * 1e-5
        expected = (likelihood(at + step, *rows)[0] - likelihood(at - step, *rows)[0]) / (2 * step[i])
        assert slopes[i] == pytest.approx(expected, rel=1e-5, abs=1e-6), (model, i)


def test_slopes_of_gamma_gamma_are_those_of_its_likelihood():
    at, rows = np.array([6.25, 3.74, 15.44]), (np.array([1.0, 2, 300]), np.array([0.01, 35, 5000]))
    _, slopes = estimation.gamma_gamma(at, *rows)
    for i in range(3):
        step = np.eye(3)[i] * at * 1e-5
        expected = (estimation.gamma_gamma(at + step, *rows)[0] - estimation.gamma_gamma(at - step, *rows)[0]) / (
            2 * step[i]
        )
        assert slopes[i] == pytest.approx(expected, rel=1e-6), i


# --- known truth


def bought(generator: np.random.Generator, rates: np.ndarray, lifetimes: np.ndarray, T: float = 365.0) -> Columns:
    """Return (x, t_x, T) of customers who buy at these rates until their lifetime or T is over."""
    rows = []
    for rate, lifetime in zip(rates, lifetimes, strict=True):
        span = min(lifetime, T)
        times = generator.uniform(0, span, generator.poisson(rate * span))
        rows.append((len(times), times.max(initial=0.0), T))
    return tuple(np.array(rows).T)


def test_a_simulated_shop_gives_its_parameters_back():
    """20,000 customers drawn from r 0.8, alpha 60, s 0.9, beta 150 (days)."""
    generator = np.random.default_rng(7)
    lifetimes = generator.exponential(1 / generator.gamma(0.9, 1 / 150, 20_000))
    fit = estimation.fit_purchases("pareto_nbd", *bought(generator, generator.gamma(0.8, 1 / 60, 20_000), lifetimes))
    assert fit.state == "fitted"
    assert given(fit) == pytest.approx([0.8, 60, 0.9, 150], rel=0.15)


@pytest.mark.parametrize("model", estimation.MODELS)
def test_more_rows_than_are_searched_end_where_a_search_of_all_would(model: str, monkeypatch: pytest.MonkeyPatch):
    generator = np.random.default_rng(11)
    lifetimes = generator.exponential(1 / generator.gamma(0.6, 1 / 80, 20_000))
    rows = bought(generator, generator.gamma(0.8, 1 / 60, 20_000), lifetimes)
    assert len(rows[0]) > 2 * estimation.ROWS_TO_COME_NEAR
    found = estimation.fit_purchases(model, *rows)
    monkeypatch.setattr(estimation, "ROWS_TO_COME_NEAR", len(rows[0]))
    monkeypatch.setattr(estimation, "ROWS_AT_ONCE", len(rows[0]))
    assert given(found) == pytest.approx(given(estimation.fit_purchases(model, *rows)), rel=1e-8)


def test_the_order_of_rows_plays_no_part_and_equal_rows_may_be_counted(sample: dict[str, np.ndarray]):
    columns = np.array(purchases(sample))
    fit = estimation.fit_purchases("pareto_nbd", *columns)
    shuffled = columns[:, np.random.default_rng(1).permutation(columns.shape[1])]
    assert estimation.fit_purchases("pareto_nbd", *shuffled) == fit
    distinct, counts = np.unique(columns, axis=1, return_counts=True)
    counted = estimation.fit_purchases("pareto_nbd", *distinct, counts)
    assert given(counted) == pytest.approx(given(fit), rel=1e-8)
    assert (counted.customers, counted.repeat_customers) == (2357, 946)


def test_the_unit_of_time_and_of_money_plays_no_part(sample: dict[str, np.ndarray]):
    x, t_x, T = purchases(sample)
    weeks, days = (
        estimation.fit_purchases("pareto_nbd", x, t_x, T),
        estimation.fit_purchases("pareto_nbd", x, 7 * t_x, 7 * T),
    )
    assert given(days) == pytest.approx(np.array(given(weeks)) * [1, 7, 1, 7], rel=1e-7)
    dollars, cents = estimation.fit_spend(x, sample["m"]), estimation.fit_spend(x, 100 * sample["m"])
    assert given(cents) == pytest.approx(np.array(given(dollars)) * [1, 1, 100], rel=1e-7)


# --- edges


@pytest.mark.parametrize("model", estimation.MODELS)
def test_too_few_repeat_customers_are_refused_with_the_reason(model: str):
    nobody = estimation.fit_purchases(model, *np.zeros((3, 0)))
    one = estimation.fit_purchases(model, [3], [20], [30])
    no_repeaters = estimation.fit_purchases(model, [0] * 500, [0] * 500, range(500))
    just_too_few = estimation.fit_purchases(model, [1] * 49 + [0] * 500, [1] * 49 + [0] * 500, [9] * 549)
    for fit, repeat_customers in ((nobody, 0), (one, 1), (no_repeaters, 0), (just_too_few, 49)):
        assert (fit.state, fit.is_usable, fit.parameters) == ("refused", False, {})
        assert fit.note == f"{repeat_customers} repeat customers; a fit takes 50"


@pytest.mark.parametrize("model", estimation.MODELS)
def test_identical_customers_give_a_fit_that_says_what_it_is_or_none(model: str):
    fit = estimation.fit_purchases(model, [3] * 300, [80] * 300, [100] * 300)
    assert fit.state in ("at a bound", "no churn", "refused")
    assert fit.note
    assert fit.is_usable == (fit.state != "refused")
    assert np.isfinite(given(fit)).all()


@pytest.mark.parametrize("model", estimation.MODELS)
def test_a_shop_that_nobody_leaves_is_fitted_and_flagged(model: str):
    """The NBD limit: s and beta run away, or s goes to nothing; the rate of purchases is found all the same."""
    generator = np.random.default_rng(3)
    rates = generator.gamma(2.0, 1 / 40, 5_000)
    fit = estimation.fit_purchases(model, *bought(generator, rates, np.full(5_000, np.inf)))
    assert (fit.state, fit.is_converged) == ("no churn", True)
    assert "nobody is seen to leave" in fit.note
    assert fit.parameters["r"] / fit.parameters["alpha"] == pytest.approx(rates.mean(), rel=0.02)


def test_rows_that_cannot_be_are_errors():
    for row in ([-1, 0, 5], [1, 6, 5], [1, -1, 5], [1, np.nan, 5], [1, 2, np.inf]):
        with pytest.raises(ValueError, match="must"):
            estimation.fit_purchases("pareto_nbd", *np.array([row] * 100).T)
    with pytest.raises(ValueError, match="model must be one of"):
        estimation.fit_purchases("pareto", [1], [1], [2])


def test_heavy_tails_of_spend_give_no_mean_below_zero_and_none_beyond_the_data():
    """Drawn with q 0.8, whose mean is infinite: unconstrained, the fit finds that and expects -287 of a customer."""
    generator = np.random.default_rng(1)
    x = generator.integers(1, 6, 20_000).astype(float)
    m = generator.gamma(4 * x, 1 / (generator.gamma(0.8, 1 / 10, 20_000) * x))
    fit = estimation.fit_spend(x, m)
    assert (fit.state, fit.is_usable) == ("refused", False)
    assert fit.note.startswith("a few spend so much")


def test_spends_that_are_not_positive_are_left_out_and_counted(sample: dict[str, np.ndarray]):
    x = np.append(sample["x"], [3, 4])
    fit = estimation.fit_spend(x, np.append(sample["m"], [0.0, -5.0]))
    assert given(fit) == given(estimation.fit_spend(sample["x"], sample["m"]))
    assert fit.note == "2 repeat customers without a positive spend are left out"


def test_outliers_of_spend_are_taken_down_to_the_quantile(sample: dict[str, np.ndarray]):
    """A mistake of a million dollars must not make everyone rich."""
    x, m = np.append(np.repeat(sample["x"], 3), 1), np.append(np.repeat(sample["m"], 3), 1e6)
    plain, raw = estimation.fit_spend(x, m), estimation.fit_spend(x, m, winsor_share=1)
    assert given(plain) == pytest.approx(given(estimation.fit_spend(x[:-1], m[:-1])), rel=0.01)
    assert given(raw) != pytest.approx(given(plain), rel=0.01)


def test_customers_who_all_spend_the_same_have_no_model_of_spend():
    fit = estimation.fit_spend([2] * 100, [9.99] * 100)
    assert (fit.state, fit.note) == ("refused", "all customers spend the same")
    few = estimation.fit_spend([2] * 100, [9.99] * 49 + [0] * 51)
    assert few.note.startswith("49 repeat customers; a fit takes 50")
