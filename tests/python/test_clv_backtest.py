"""The mart clv_backtest: recomputed from slices, honest about its target, blind to the future."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import Warehouse
from scipy.stats import norm, rankdata

KEY = ["as_of_date", "method", "measure", "bucket_type", "bucket"]
NUMBERS = ["customers", "actual_total", "forecast_total", "bias", "rmse", "mae", "gini"]
ORIGINS = {  # origin: end of the holdout, month-end where the period before the origin begins
    "1997-03-31": ("1997-09-30", None), "1997-06-30": ("1997-12-31", None), "1997-09-30": ("1998-03-31", "1997-03-31"),
    "1997-12-31": ("1998-06-30", "1997-06-30"),
}  # fmt: skip
METHODS = {  # CDNOW begins in 1997: the history does not hold six months before the first origin
    "1997-03-31": ["model", "last_window"], "1997-06-30": ["model", "last_period", "last_window"],
    "1997-09-30": ["model", "last_period", "last_window", "rfm_cell"],
    "1997-12-31": ["model", "last_period", "last_window", "rfm_cell"],
}  # fmt: skip
BACKTEST = "select * from marts.clv_backtest order by " + ", ".join(KEY)
FORECASTS = "select * from intermediate.int_clv_backtest order by as_of_date, customer_id"


def mart(warehouse: Warehouse, statement: str = BACKTEST) -> pd.DataFrame:
    rows = warehouse.query(statement)
    rows["as_of_date"] = rows["as_of_date"].astype("datetime64[s]").dt.strftime("%Y-%m-%d")
    return rows


def rebuilt(cdnow: Warehouse, folder: Path, *statements: str, variables: dict | None = None) -> Warehouse:
    """Return a copy in which statements changed what the backtest reads, with the backtest built anew."""
    warehouse = Warehouse(folder)
    shutil.copy(cdnow.database, warehouse.database)
    for statement in statements:
        warehouse.execute(statement)
    warehouse.run("run", "--full-refresh", "--select", "int_clv_backtest_origins+,+clv_backtest", variables=variables)
    return warehouse


# --- recomputed


def slice_of(warehouse: Warehouse, date: str) -> pd.DataFrame:
    rows = warehouse.query(
        f"""
        select customer_id, tier, first_order_date, p_alive, expected_spend, purchase_days as days,
            cast(frequency as double) * purchase_days / order_count as window_days, lifecycle_stage,
            cast(net_revenue as double) as revenue, recency_score * 100 + frequency_score * 10 + monetary_score as cell
        from marts.customer_value_history where as_of_date = '{date}' and order_count > 0
        """
    )
    return rows.set_index("customer_id").sort_index()


def age(now: pd.DataFrame, origin: str) -> np.ndarray:
    return (pd.Timestamp(origin) - pd.to_datetime(now["first_order_date"])).dt.days.to_numpy()


def modelled(now: pd.DataFrame, parameters: dict, origin: str, end: str) -> pd.Series:
    x = now["days"] - 1
    T = age(now, origin)
    t = (pd.Timestamp(end) - pd.Timestamp(origin)).days
    r, alpha, s, beta = (parameters[name] for name in ("r", "alpha", "s", "beta"))
    growth = 1 - ((beta + T) / (beta + T + t)) ** (s - 1)
    return now["p_alive"] * (r + x) * (beta + T) / ((alpha + T) * (s - 1)) * growth


def forecasts(warehouse: Warehouse, origin: str) -> dict[tuple[str, str], pd.Series]:
    """Return {(method, measure): forecast by customer}; nothing is read that is later than the origin."""
    end, start = ORIGINS[origin]
    now = slice_of(warehouse, origin)
    parameters = warehouse.query(f"select r, alpha, s, beta from marts.clv_parameters where as_of_date = '{origin}'")
    model = modelled(now, parameters.iloc[0].to_dict(), origin, end)
    found = {("model", "purchases"): model, ("model", "spend"): model * now["expected_spend"]}
    window = now["window_days"] * 6 / 12 * (now["lifecycle_stage"] != "churned")
    found |= {("last_window", "purchases"): window, ("last_window", "spend"): window * now["expected_spend"]}
    if origin == "1997-03-31":
        return found
    repeats = now["revenue"] * (now["days"] - 1) / now["days"]
    before = None if start is None else slice_of(warehouse, start)
    for measure, column, first in [("purchases", "days", now["days"] - 1), ("spend", "revenue", repeats)]:
        if before is None:
            found["last_period", measure] = first
            continue
        done = (now[column] - before[column]).dropna()
        found["last_period", measure] = done.reindex(now.index).fillna(first)
        means = done.groupby(before["cell"]).mean()
        found["rfm_cell", measure] = now["cell"].map(means).fillna(done.mean())
    return found


def ranked(forecast: pd.Series, measure: str) -> pd.Series:
    """Return forecasts as they are ranked: in cents and in ten-thousandths of a purchase, halves away from 0."""
    scaled = (forecast.round(9) * (100 if measure == "spend" else 10_000)).round(5)
    return np.sign(scaled) * np.floor(scaled.abs() + 0.5)


def gini(forecast: pd.Series, actual: pd.Series) -> float:
    """Return twice the covariance of mean rank and actual, as a share of that with the ranks of the actuals."""
    by_forecast, by_actual = (np.cov(rankdata(order), actual)[0, 1] for order in (forecast, actual))
    return by_forecast / by_actual


def expected(warehouse: Warehouse) -> pd.DataFrame:
    rows = []
    for origin, (end, _) in ORIGINS.items():
        now, later = slice_of(warehouse, origin), slice_of(warehouse, end)
        cohort = pd.to_datetime(now["first_order_date"]).dt.to_period("Q").dt.start_time.dt.strftime("%Y-%m-%d")
        for (method, measure), forecast in forecasts(warehouse, origin).items():
            column = "days" if measure == "purchases" else "revenue"
            actual = later[column].reindex(now.index) - now[column]
            decile = np.floor(10 * (rankdata(ranked(forecast, measure)) - 0.5) / len(now)).astype(int) + 1
            names = [f"{value:02d}" for value in decile]
            buckets = {"all": "all", "decile": names, "tier": now["tier"], "cohort": cohort}
            for bucket_type, bucket in buckets.items():
                frame = pd.DataFrame({"f": forecast, "a": actual, "bucket": bucket})
                for name, part in frame.groupby("bucket"):
                    error = part["f"] - part["a"]
                    rows.append((
                        origin, method, measure, bucket_type, name, len(part), part["a"].sum(), part["f"].sum(),
                        part["f"].sum() / part["a"].sum() - 1, np.sqrt((error**2).mean()), error.abs().mean(),
                        gini(ranked(part["f"], measure), part["a"]) if bucket_type == "all" else np.nan,
                    ))  # fmt: skip
    return pd.DataFrame(rows, columns=[*KEY, *NUMBERS]).sort_values(KEY, ignore_index=True)


def test_every_number_is_that_of_the_slices(cdnow: Warehouse):
    """Errors, totals, deciles and Gini in pandas, customer by customer; each bucket of each method at each origin."""
    found, wanted = mart(cdnow), expected(cdnow)
    assert found[KEY].to_numpy().tolist() == wanted[KEY].to_numpy().tolist()
    assert len(found) > 200
    for column in NUMBERS:
        assert found[column].astype(float).to_numpy() == pytest.approx(
            wanted[column].to_numpy(float), rel=1e-9, abs=1e-9, nan_ok=True
        ), column
    methods = found.groupby("as_of_date")["method"].agg(lambda names: sorted(set(names))).to_dict()
    assert methods == {origin: sorted(names) for origin, names in METHODS.items()}


def test_ranges_are_those_of_the_moments_and_held_as_often_as_is_said(cdnow: Warehouse):
    """Of one origin, by 200 nodes and scipy: low and high of every customer, and the share that lies between."""
    origin, end = "1997-12-31", "1998-06-30"
    now, later = slice_of(cdnow, origin), slice_of(cdnow, end)
    (at,) = cdnow.query(f"select * from marts.clv_parameters where as_of_date = '{origin}'").to_dict("records")
    x, t = now["days"].to_numpy() - 1, (pd.Timestamp(end) - pd.Timestamp(origin)).days
    A, B = at["alpha"] + age(now, origin), at["beta"] + age(now, origin)
    R, s = at["r"] + x, at["s"]
    nodes, weights = np.polynomial.legendre.leggauss(200)
    y, step = (nodes[:, None] + 1) / 2 * t, weights[:, None] / 2 * t
    staying = (B / (B + y)) ** s
    idle = (A / (A + t)) ** R * (B / (B + t)) ** s + (step * (A / (A + y)) ** R * s / (B + y) * staying).sum(axis=0)
    mean = R * B / (A * (s - 1)) * (1 - (B / (B + t)) ** (s - 1))
    factorial = R * (R + 1) / A**2 * (2 * step * y * staying).sum(axis=0)
    k, spend = at["p"] * (x + 1) + at["q"], now["expected_spend"].to_numpy()
    squared = spend**2 * (k - 1) / (k - 2) * (factorial + mean + mean / at["p"])
    active = now["p_alive"].to_numpy() * (1 - idle)
    spread = np.maximum(squared * (1 - idle) / (mean * spend) ** 2 - 1, 0)
    found = cdnow.query(
        f"select * from intermediate.int_clv_backtest where as_of_date = '{origin}' order by customer_id"
    )
    actual = (later["revenue"].reindex(now.index) - now["revenue"]).clip(lower=0).round(2).to_numpy()
    ends = []
    for side, share in (("low", 0.1), ("high", 0.9)):
        quantile = norm.ppf(np.clip((share - 1 + active) / active, 1e-16, None))
        amount = mean * spend / (1 - idle) * np.maximum(1 - spread / 9 + quantile * np.sqrt(spread) / 3, 0) ** 3
        ends.append(np.where(active <= 1 - share, 0, amount))
        assert found[f"model_spend_{side}"].to_numpy(float) == pytest.approx(ends[-1], rel=1e-6, abs=1e-6), side
    within = ((actual >= ends[0].round(9)) & (actual <= ends[1].round(9))).mean()
    (shown,) = cdnow.rows(
        f"""
        select interval_coverage from marts.clv_backtest
        where as_of_date = '{origin}' and method = 'model' and measure = 'spend' and bucket_type = 'all'
        """
    )
    assert shown[0] == pytest.approx(within, abs=1e-4)
    assert 0.8 < within < 0.95


# --- how good it is


def test_the_model_is_as_good_on_cdnow_as_is_claimed(cdnow: Warehouse):
    """RMSE a tenth below the last period, total within a fifth, wherever there is a last period; Gini where stated.

    Gini is .66 of purchases and .70 of spend from nine months of data on: before, customers are too young.
    """
    whole = mart(cdnow).query("bucket_type == 'all'").set_index(["as_of_date", "measure", "method"])
    for origin in list(ORIGINS)[1:]:
        for measure in ("purchases", "spend"):
            model, rival = (whole.loc[(origin, measure, method)] for method in ("model", "last_period"))
            assert model["rmse"] <= 0.9 * rival["rmse"], (origin, measure)
            assert abs(model["bias"]) <= 0.2, (origin, measure)
            assert model["gini"] >= rival["gini"], (origin, measure)
            assert model["is_better_than_last_period"]
            assert pd.isna(rival["is_better_than_last_period"])
    assert whole.loc[("1997-09-30", "purchases", "model")]["gini"] >= 0.66
    assert whole.loc[("1997-09-30", "spend", "model")]["gini"] >= 0.70
    assert whole.loc[("1997-12-31", "purchases", "model")]["gini"] >= 0.71
    assert whole.loc[("1997-12-31", "spend", "model")]["gini"] >= 0.75
    assert not whole.loc[("1997-12-31", "purchases", "rfm_cell")]["is_better_than_last_period"]


def test_39_weeks_after_39_weeks_are_those_measured_elsewhere(cdnow: Warehouse, tmp_path: Path):
    """All of CDNOW, 39 weeks after 39 weeks: RMSE 1.726 against 1.936, total -13 against +24 %, Gini .673.

    Of spend, RMSE 92.9 were measured with the mean of repeat purchases. That of all purchases is as close, and tells
    one-time buyers apart: Gini .719 instead of .684 (recomputed in pandas, with both models fitted as here).
    """
    found = mart(rebuilt(cdnow, tmp_path, variables={"clv_backtest_months": 9}))
    whole = found.query("bucket_type == 'all' and as_of_date == '1997-09-30'").set_index(["measure", "method"])
    assert set(found["holdout_months"]) == {9}
    model, rival = (whole.loc[("purchases", method)] for method in ("model", "last_period"))
    assert [round(model[name], 3) for name in ("rmse", "gini")] == [1.726, 0.673]
    assert [round(rival[name], 3) for name in ("rmse", "bias")] == [1.936, 0.236]
    assert round(model["bias"], 2) == -0.13
    spend = whole.loc[("spend", "model")]
    assert round(spend["rmse"], 1) == 92.8
    assert round(spend["gini"], 3) == 0.719


# --- what it may know


def test_a_forecast_knows_nothing_later_than_its_origin(cdnow: Warehouse, tmp_path: Path):
    """Another future, other actuals, the same forecasts. What a later origin looks back on does change."""
    changed = rebuilt(
        cdnow,
        tmp_path,
        """
        update marts.customer_value_history set purchase_days = 2 * purchase_days, net_revenue = 3 * net_revenue,
            recency_score = 1, frequency_score = 1, monetary_score = 1, tier = 'C', p_alive = .5, expected_spend = 1
        where as_of_date > '1997-09-30'
        """,
        "update intermediate.int_clv_parameters set r = 3 * r, fitted_as_of = as_of_date"
        " where as_of_date > '1997-09-30'",
    )
    before, after = mart(cdnow, FORECASTS), mart(changed, FORECASTS)
    columns = [name for name in before if not name.startswith("actual")]
    past, later = before["as_of_date"] <= "1997-09-30", before["as_of_date"] > "1997-09-30"
    pd.testing.assert_frame_equal(before.loc[past, columns], after.loc[past, columns], check_exact=True)
    assert (before.loc[past, "actual_purchases"] != after.loc[past, "actual_purchases"]).any()
    for method in ("model_purchases", "last_period_purchases", "rfm_cell_purchases"):
        assert (before.loc[later, method] != after.loc[later, method]).any(), method


def test_a_model_that_loses_is_said_to_lose_and_none_is_left_out(cdnow: Warehouse, tmp_path: Path):
    changed = rebuilt(
        cdnow,
        tmp_path,
        "update marts.customer_value_history set p_alive = 0 where as_of_date = '1997-12-31'",
        "update marts.customer_value_history set p_alive = null where as_of_date = '1997-06-30'",
        "update intermediate.int_clv_parameters set fitted_as_of = null where as_of_date = '1997-06-30'",
    )
    found = changed.rows(
        """
        select cast(as_of_date as text), measure, is_better_than_last_period from marts.clv_backtest
        where method = 'model' and bucket_type = 'all' order by 1, 2
        """
    )
    assert found == [
        ("1997-03-31", "purchases", None), ("1997-03-31", "spend", None), ("1997-09-30", "purchases", True),
        ("1997-09-30", "spend", True), ("1997-12-31", "purchases", False), ("1997-12-31", "spend", False),
    ]  # fmt: skip


def test_an_origin_is_worked_out_again_when_its_holdout_changes_and_only_then(cdnow: Warehouse, tmp_path: Path):
    warehouse = Warehouse(tmp_path)
    shutil.copy(cdnow.database, warehouse.database)
    for statement, opened in [
        ("select 1", []),
        (
            "update marts.clv_backtest set rmse = 0, slice_version = 'old' where as_of_date = '1997-06-30'",
            ["1997-06-30"],
        ),
    ]:
        warehouse.execute(statement)
        warehouse.run("run", "--select", "int_clv_backtest_origins+")
        origins = warehouse.rows("select cast(as_of_date as text) from intermediate.int_clv_backtest_origins")
        assert [origin for (origin,) in origins] == opened
        pd.testing.assert_frame_equal(mart(cdnow), mart(warehouse), check_exact=True)


def test_the_order_of_rows_plays_no_part(cdnow: Warehouse, tmp_path: Path):
    reordered = rebuilt(
        cdnow,
        tmp_path,
        """
        create table marts.reordered as
        select * from marts.customer_value_history order by md5(customer_id || as_of_date)
        """,
        "delete from marts.customer_value_history",
        "insert into marts.customer_value_history select * from marts.reordered",
    )
    pd.testing.assert_frame_equal(mart(cdnow), mart(reordered), check_exact=True)


# --- which method looks ahead


def test_forecasts_are_by_the_method_that_was_closer_or_the_one_asked_for(cdnow: Warehouse, tmp_path: Path):
    warehouse, auto = Warehouse(tmp_path), {"clv_method": "auto"}
    shutil.copy(cdnow.database, warehouse.database)
    warehouse.execute("delete from marts.customer_forecasts")
    warehouse.run("run", "--select", "int_clv_method", "customer_forecasts", variables=auto)
    ((method, origins, model, last_window),) = warehouse.rows("select * from intermediate.int_clv_method")
    whole = mart(warehouse).query("bucket_type == 'all' and measure == 'spend'")
    for name, pooled in (("model", model), ("last_window", last_window)):
        rows = whole[whole["method"] == name]
        assert pooled == pytest.approx(np.sqrt(np.average(rows["rmse"] ** 2, weights=rows["customers"])), rel=1e-6)
    assert (method, origins) == ("model", 4)
    assert model < last_window
    forecasts = "select * exclude (slice_version) from marts.customer_forecasts order by customer_id, horizon_months"
    by_model = warehouse.query(forecasts)
    pd.testing.assert_frame_equal(by_model, cdnow.query(forecasts))

    warehouse.execute("update marts.clv_backtest set rmse = 100 * rmse where method = 'model'")
    warehouse.execute("delete from marts.customer_forecasts")
    warehouse.run("run", "--select", "customer_forecasts", variables=auto)
    repeated = warehouse.query(forecasts)
    assert len(repeated) == len(by_model)
    assert set(repeated["clv_state"]) == {"last window repeated: var clv_method"}
    assert repeated[["residual_value_low", "residual_value_high"]].isna().all().all()
    shown = warehouse.query("select * from marts.customer_value where order_count > 0 order by customer_id")
    rate = float(shown["margin"].sum() / shown["net_revenue"].sum())
    days = shown["frequency"] * shown["purchase_days"] / shown["order_count"]
    monthly = (days / 12 * (shown["lifecycle_stage"] != "churned")).to_numpy()
    for months in (3, 36):
        rows = repeated[repeated["horizon_months"] == months]
        assert rows["expected_purchases"].to_numpy() == pytest.approx(monthly * months)
        worth = sum(1.1 ** ((0.5 - month) / 12) for month in range(1, months + 1))
        value = (monthly * worth * shown["expected_spend"] * rate).to_numpy()
        assert rows["residual_value"].to_numpy(float) == pytest.approx(value, abs=0.006)
    warehouse.run("build", "--select", "customer_forecasts", variables=auto)
