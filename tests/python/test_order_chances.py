"""The chance of an order: recomputed from purchase days, as close to what came as is claimed, the same by refreshes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import Warehouse
from test_clv_models import orders, scored

HORIZONS = (3, 6, 12)
NODES, WEIGHTS = (part / 2 for part in np.polynomial.legendre.leggauss(12))
NODES = NODES + 0.5
PRIOR_ORIGINS, PRIOR_CUSTOMERS, LOOKBACK = 2, 5, 24


# --- recomputed


def alive(x: np.ndarray, t_x: np.ndarray, T: np.ndarray, r: float, alpha: float, s: float, beta: float) -> np.ndarray:
    """Return P(alive) of Pareto/NBD by the quadrature of shared/clv.md."""
    m = min(alpha, beta)
    span, total = np.log((m + T) / (m + t_x)), 0
    for node, weight in zip(NODES, WEIGHTS, strict=True):
        at = (m + t_x) * np.exp(span * node)
        falls = (r + x) * np.log((at - m + alpha) / (alpha + t_x)) + s * np.log((at - m + beta) / (beta + t_x))
        total = total + weight * np.exp(-falls) * at / (at - m + beta)
    grown = (r + x) * np.log((alpha + T) / (alpha + t_x)) + s * np.log((beta + T) / (beta + t_x))
    return 1 / (1 + s * span * np.exp(grown) * total)


def idle(x: np.ndarray, T: np.ndarray, months: int, r: float, alpha: float, s: float, beta: float) -> np.ndarray:
    """Return P(no purchase) of who is still a customer: stays and is idle, or leaves before the next purchase."""
    days = months * 365 / 12
    reach = np.minimum(days, (alpha + T) * (np.exp(20 / (r + x)) - 1))
    span, total = np.log(1 + reach / (beta + T)), 0
    for node, weight in zip(NODES, WEIGHTS, strict=True):
        grown = (r + x) * np.log(1 + (beta + T) * (np.exp(span * node) - 1) / (alpha + T))
        total = total + weight * np.exp(-s * span * node - grown)
    return np.exp(-(r + x) * np.log(1 + days / (alpha + T)) - s * np.log(1 + days / (beta + T))) + s * span * total


def pooled(shares: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the rising shares nearest to those given, by pooling adjacent violators."""
    blocks: list[list[float]] = []
    for share, weight in zip(shares, weights, strict=True):
        blocks.append([share * weight, weight, 1])
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] > blocks[-1][0] / blocks[-1][1]:
            last = blocks.pop()
            blocks[-1] = [mine + other for mine, other in zip(blocks[-1], last, strict=True)]
    return np.concatenate([np.full(int(count), hits / weight) for hits, weight, count in blocks])


class Past:
    """What the purchase days of a warehouse say as of any of its dates."""

    def __init__(self, warehouse: Warehouse):
        query = "select distinct customer_id, order_date from marts.orders where {} order by all"
        days = warehouse.query(query.format("gross_amount >= 0"))
        days["order_date"] = pd.to_datetime(days["order_date"])
        by_customer = days.groupby("customer_id")["order_date"]
        self.days = days.assign(
            x=by_customer.cumcount(), first=by_customer.transform("min"), then=by_customer.shift(-1)
        )
        self.parameters = warehouse.query("select * from marts.clv_parameters").set_index("as_of_date").sort_index()
        self.start = self.parameters.index.min()
        self.last = self.parameters.index.max()
        self.facts = {date: self.at(date) for date in self.parameters.index if date.is_month_end or date == self.last}

    def at(self, date: pd.Timestamp) -> pd.DataFrame:
        """Return the customers of a date: the model's chances, the overdue ratio, the next purchase day."""
        now = self.days[(self.days["order_date"] <= date) & ~(self.days["then"] <= date)].set_index("customer_id")
        t_x, T = (now["order_date"] - now["first"]).dt.days, (date - now["first"]).dt.days
        gaps, seen = t_x.sum(), now["x"].sum()
        found = pd.DataFrame({"then": now["then"]})
        gap = (t_x + 2 * (gaps / seen if seen else np.nan)) / (now["x"] + 2)
        found["ratio"] = (date - now["order_date"]).dt.days / gap
        row = self.parameters.loc[date]
        fitted = [row[name] for name in ("r", "alpha", "s", "beta")]
        for months in HORIZONS:
            found[months] = alive(now["x"], t_x, T, *fitted) * (1 - idle(now["x"], T, months, *fitted))
        return found

    def origins(self, date: pd.Timestamp, months: int) -> dict[pd.Timestamp, pd.DataFrame]:
        """Return the ends of quarters that are looked at as of a date: the customers with their outcome and weight."""
        found = {}
        for origin, facts in self.facts.items():
            end = origin + pd.offsets.MonthEnd(months)
            if not (origin.is_month_end and origin.month % 3 == 0 and end <= date):
                continue
            seen = 12 * (origin.year - self.start.year) + origin.month - self.start.month + 1
            if origin < date - pd.DateOffset(months=LOOKBACK) or seen < months:
                continue
            age = 12 * (date.year - end.year) + date.month - end.month
            found[origin] = facts.assign(bought=(facts["then"] <= end).astype(float), weight=0.5 ** (age / months))
        return found

    def curves(self, date: pd.Timestamp, months: int) -> dict | None:
        """Return the knots of both curves, the base rate and the rate of those in rhythm; None without a past."""
        origins = self.origins(date, months)
        if not origins:
            return None
        past = pd.concat(origins.values())
        base = np.average(past["bought"], weights=past["weight"])
        rhythm = past[past["ratio"] < 1]
        weights = {origin: rows["weight"].iloc[0] for origin, rows in origins.items() if rows[months].notna().all()}
        knots = {}
        arcsine = np.floor(20 * 2 / np.pi * np.arcsin(np.sqrt(past[months].astype(float)))).clip(upper=19)
        halves = -np.floor(2 * past["ratio"]).clip(upper=20)
        for name, position, bins in (
            ("recalibrated", past[months], arcsine),
            ("overdue_ratio", 1 / (1 + past["ratio"]), halves),
        ):
            rows = past.assign(position=position, bin=bins)[position.notna()]
            if rows.empty:
                continue
            side = name == "overdue_ratio"
            grouped = rows.assign(p=rows["position"] * rows["weight"], b=rows["bought"] * rows["weight"]).groupby("bin")
            sums = grouped[["p", "b", "weight"]].sum()
            mean = sums["p"] / sums["weight"]
            prior = PRIOR_CUSTOMERS + (0 if side else PRIOR_ORIGINS * sums["weight"] / sum(weights.values()))
            share = (sums["b"] + prior * (base if side else mean)) / (sums["weight"] + prior)
            knots[name] = (mean.to_numpy(), pooled(share.to_numpy(), (sums["weight"] + prior).to_numpy()))
        in_rhythm = np.average(rhythm["bought"], weights=rhythm["weight"]) if len(rhythm) else None
        return {"knots": knots, "base_rate": base, "in_rhythm": in_rhythm}

    def forecasts(self, date: pd.Timestamp, months: int) -> dict[str, np.ndarray]:
        """Return {method: chance of every customer} as of a date."""
        facts, curves = self.facts[date], self.curves(date, months)
        found = {} if facts[months].isna().any() else {"raw": facts[months].to_numpy()}
        if curves:
            positions = {"recalibrated": facts[months], "overdue_ratio": 1 / (1 + facts["ratio"])}
            for name, (mean, chance) in curves["knots"].items():
                if positions[name].notna().all():
                    found[name] = np.interp(positions[name], mean, chance)
            found["base_rate"] = np.full(len(facts), curves["base_rate"])
        return found

    def errors(self, origin: pd.Timestamp, months: int) -> dict[str, tuple[float, float]]:
        """Return {method: Brier score and calibration error} of an origin."""
        end = origin + pd.offsets.MonthEnd(months)
        bought = (self.facts[origin]["then"] <= end).to_numpy(float)
        found = {}
        for name, chance in self.forecasts(origin, months).items():
            rank = pd.Series(chance.round(4)).rank().to_numpy()
            tenth = np.floor(10 * (rank - 0.5) / len(rank))
            sums = pd.DataFrame({"gap": chance - bought}).groupby(tenth)["gap"].sum()
            found[name] = (((chance - bought) ** 2).mean(), sums.abs().sum() / len(chance))
        return found

    def method(self, date: pd.Timestamp, months: int) -> str | None:
        """Return which forecast is published as of a date."""
        there = self.forecasts(date, months)
        for origin in sorted(self.facts, reverse=True):
            if origin.is_month_end and origin.month % 3 == 0 and origin + pd.offsets.MonthEnd(months) <= date:
                errors = self.errors(origin, months)
                if {"recalibrated", "overdue_ratio"} <= errors.keys():
                    if errors["overdue_ratio"][0] < errors["recalibrated"][0] and "overdue_ratio" in there:
                        return "overdue_ratio"
                    break
        return next((name for name in ("recalibrated", "raw", "overdue_ratio") if name in there), None)


@pytest.fixture(scope="module", params=["complete_journey", "cdnow", "clean_shop"])
def told(request: pytest.FixtureRequest) -> tuple[str, Warehouse, Past]:
    warehouse = request.getfixturevalue(request.param)
    return request.param, warehouse, Past(warehouse)


BACKTEST = "select * from marts.chance_backtest order by horizon_months, as_of_date, method"


def test_every_error_of_every_origin_is_that_of_the_purchase_days(told: tuple[str, Warehouse, Past]):
    """Both errors of all four methods, and which was chosen, from orders and parameters alone."""
    _, warehouse, past = told
    mart = warehouse.query(BACKTEST)
    expected = {
        (months, origin)
        for months in HORIZONS
        for origin in past.facts
        if origin.is_month_end and origin.month % 3 == 0 and origin + pd.offsets.MonthEnd(months) <= past.last
    }
    assert len(expected) >= 5
    assert set(zip(mart["horizon_months"], mart["as_of_date"], strict=True)) == expected
    for (months, origin), rows in mart.groupby(["horizon_months", "as_of_date"]):
        errors = past.errors(origin, months)
        for row in rows.itertuples():
            wanted = errors.get(row.method, (np.nan, np.nan))
            assert (row.brier_score, row.calibration_error) == pytest.approx(wanted, abs=1e-9, nan_ok=True), row
            assert row.customers == len(past.facts[origin])
        method = past.method(origin, months)  # None where the model has no parameters and no origin is complete
        assert [row.method for row in rows.itertuples() if row.is_chosen] == ([method] if method else [])


def test_every_chance_of_every_customer_is_that_of_past_origins(told: tuple[str, Warehouse, Past]):
    """On the first dates of a fit, on the last ones and between: chances, state and risk."""
    _, warehouse, past = told
    fitted = [date for date in past.facts if pd.notna(past.parameters.loc[date, "fitted_as_of"])]
    words = {"recalibrated": "recalibrated", "raw": "raw", "overdue_ratio": "by overdue ratio", None: "none"}
    for date in {*fitted[:4], fitted[len(fitted) // 2], *fitted[-3:]}:
        facts = past.facts[date]
        shown = warehouse.query(
            "select customer_id, p_order_3m, p_order_6m, p_order_12m, p_order_state, churn_risk"
            f" from marts.customer_value_history where as_of_date = '{date:%Y-%m-%d}' and order_count > 0"
        ).set_index("customer_id").loc[facts.index]  # fmt: skip
        methods = {months: past.method(date, months) for months in HORIZONS}
        chances = {months: past.forecasts(date, months)[name] for months, name in methods.items()}
        least = 0
        for months in HORIZONS:
            least = np.maximum(least, chances[months])
            assert shown[f"p_order_{months}m"].to_numpy() == pytest.approx(least, abs=1e-9), (date, months)
        curves = past.curves(date, 3)
        rate = curves["in_rhythm"] if curves else facts.loc[facts["ratio"] < 1, 3].mean()
        said = ", ".join(f"{months}m {words[name]}" for months, name in methods.items())
        assert set(shown["p_order_state"]) == {said + ("" if curves else "; risk against the model")}
        risk = 1 - np.minimum(1, chances[3] / rate)
        wanted = np.select([risk >= 0.66, risk >= 0.33], ["high", "medium"], "low")
        sure = (np.abs(risk - 0.66) > 1e-9) & (np.abs(risk - 0.33) > 1e-9)
        assert (shown["churn_risk"].to_numpy() == wanted)[sure].all(), date


def test_the_chances_are_as_close_as_is_claimed(told: tuple[str, Warehouse, Past]):
    """At 3 months, on the last origin: calibration error at most .03, and better than the base rate."""
    _, warehouse, _ = told
    mart = warehouse.query(BACKTEST).query("horizon_months == 3")
    last = mart[mart["as_of_date"] == mart["as_of_date"].max()].set_index("method")
    for name in ("recalibrated", last.index[last["is_chosen"]][0]):
        assert last.loc[name, "calibration_error"] <= 0.03
        assert last.loc[name, "brier_score"] < last.loc["base_rate", "brier_score"]


def test_recalibrated_is_never_worse_than_raw_by_more_than_noise(told: tuple[str, Warehouse, Past]):
    """As tests/marts/backtest/assert_recalibrated_chances_are_no_worse.sql has it, which only warns, at all origins."""
    _, warehouse, _ = told
    mart = warehouse.query(BACKTEST).set_index(["horizon_months", "as_of_date", "method"]).sort_index()
    raw, mended = (mart.xs(name, level="method") for name in ("raw", "recalibrated"))
    losses = np.sqrt(raw["brier_score"] * (1 - raw["brier_score"]) / raw["customers"])
    shares = np.sqrt(10 * raw["share_bought"] * (1 - raw["share_bought"]) / raw["customers"])
    worse = (mended["brier_score"] > raw["brier_score"] + 2 * losses) | (
        mended["calibration_error"] > raw["calibration_error"] + 2 * shares
    )
    assert not worse.any(), mart.loc[worse[worse].index]
    assert mended["brier_score"].notna().sum() >= 2


# --- refreshes

HISTORY = """
    select as_of_date, customer_id, p_order_3m, p_order_6m, p_order_12m, p_order_state, churn_risk, revenue_at_risk
    from marts.customer_value_history order by as_of_date, customer_id
"""


def test_a_refresh_says_what_a_full_build_says(tmp_path: Path):
    """Through the ends of a month and of a quarter, with a late order in an outcome that was known."""
    rows = orders()
    late = pd.DataFrame({"order_id": ["late"], "customer_id": [3], "ordered_at": ["2024-05-20"], "gross_amount": [9.0]})
    for name in ("whole", "parts"):
        (tmp_path / name).mkdir()
    whole = scored(Warehouse(tmp_path / "whole"), pd.concat([rows, late]), select="*")
    parts = scored(Warehouse(tmp_path / "parts"), orders(until="2024-07-15"), select="*")
    scored(parts, rows, select="*")
    counted = "select horizon_months, as_of_date from intermediate.int_order_chance_origins order by all"
    newly_known = [(3, pd.Timestamp("2024-06-30").date()), (6, pd.Timestamp("2024-03-31").date())]
    assert parts.rows(counted) == newly_known  # both horizons end on 2024-09-30, the first end of a quarter since
    scored(parts, pd.concat([rows, late]), select="*")
    without_version = BACKTEST.replace("*", "* exclude (slice_version)")
    for statement in (HISTORY, without_version):
        pd.testing.assert_frame_equal(parts.query(statement), whole.query(statement), check_exact=True)
    assert {"3m recalibrated, 6m recalibrated, 12m raw", "3m recalibrated, 6m raw, 12m raw"} & set(
        whole.query(HISTORY)["p_order_state"]
    )
    scored(parts, pd.concat([rows, late]), select="*")
    assert parts.rows("select count(*) from intermediate.int_order_chance_facts") == [(0,)]
