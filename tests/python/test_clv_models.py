"""Predicted value as dbt builds it: parameters in force on each date, scores, and the rule where there is no fit."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from conftest import Warehouse
from scipy.stats import norm

from customer_value.clv import estimation

START = dt.date(2024, 1, 1)
SCORES = "select * from intermediate.int_clv_scores order by as_of_date, customer_id"
PARAMETERS = "select * exclude (slice_version) from marts.clv_parameters order by as_of_date"


def orders(customers: int = 600, until: str = "2024-10-15") -> pd.DataFrame:
    """Return the orders of a shop by day: rates and lifetimes differ, and some spend twice what others do."""
    generator = np.random.default_rng(11)
    rows = []
    for customer in range(customers):
        rate, day = generator.gamma(1.0, 1 / 40), generator.integers(0, 120)
        end = day + generator.exponential(200)
        while day <= min(end, 400):
            rows.append((customer, START + dt.timedelta(int(day)), round(generator.gamma(4, 5 + customer % 2 * 5), 2)))
            day += 1 + generator.exponential(1 / rate)
    found = pd.DataFrame(rows, columns=["customer_id", "ordered_at", "gross_amount"])
    found.insert(0, "order_id", range(len(found)))
    return found[found["ordered_at"] <= dt.date.fromisoformat(until)]


def scored(
    warehouse: Warehouse, rows: pd.DataFrame, select: str = "+int_clv_scores", variables: dict | None = None
) -> Warehouse:
    """Load orders and build as far as the scores and the mart of parameters, or what else is to be selected."""
    warehouse.load({"orders": rows.to_csv(index=False)})
    untested = ["--exclude-resource-type", "test", "unit_test"]
    warehouse.run("build", "--select", select, "clv_parameters", *untested, variables=variables)
    return warehouse


PAST = [f"select * {rows} where as_of_date <= '2024-07-31' order by {key}" for rows, key in (
    ("exclude (slice_version) from marts.clv_parameters", "as_of_date"),
    ("from intermediate.int_clv_scores", "as_of_date, customer_id"),
)]  # fmt: skip


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return scored(Warehouse(tmp_path_factory.mktemp("clv")), orders())


@pytest.fixture(scope="module")
def refreshed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Warehouse, list[pd.DataFrame]]:
    """Return the same shop built up to a date and then to the end, with its history, and what was known of the past."""
    warehouse = Warehouse(tmp_path_factory.mktemp("clv_refreshed"))
    scored(warehouse, orders(until="2024-07-31"), "+customer_value")
    past = [warehouse.query(query) for query in PAST]
    return scored(warehouse, orders(), "+customer_value +customer_forecasts"), past


def spend_quantiles(rows: pd.DataFrame, horizon: int, share: float) -> np.ndarray:
    """Return what a share of customers alike spend less than in the months to come, discounted, by row, in currency.

    Of int_clv_expectations, the parameters and a customer's own figures; Wilson and Hilferty on the Gamma-Gamma
    moments of all purchase days.
    """
    count, discounted, none, factorial = (
        rows[f"{name}_{horizon}m"]
        for name in ("expected_purchases", "discounted_purchases", "p_no_purchase", "factorial_moment")
    )
    k = rows["p"] * (rows["repeat_count"] + 1) + rows["q"]
    spend = count * rows["expected_spend"]
    squared = rows["expected_spend"] ** 2 * (k - 1) / np.maximum(k - 2, 0.5) * (factorial + count + count / rows["p"])
    inverse = squared * (1 - none) / spend**2 - 1
    chance = rows["p_alive"] * (1 - none)
    z = norm.ppf(np.maximum((share - 1 + chance) / chance, 0))
    found = spend / (1 - none) * np.maximum(1 - inverse / 9 + z * np.sqrt(inverse) / 3, 0) ** 3
    return np.where(np.isneginf(z), 0, found * discounted / count)


def states(warehouse: Warehouse) -> dict[str, str]:
    return {str(date): state for date, state in warehouse.rows("select as_of_date, state from marts.clv_parameters")}


def test_every_date_has_the_newest_fit_of_the_ends_of_quarters(built: Warehouse):
    found = built.rows(
        "select cast(as_of_date as text), cast(fitted_as_of as text) from marts.clv_parameters order by 1"
    )
    assert found == [
        ("2024-01-31", None), ("2024-02-29", None), ("2024-03-31", "2024-03-31"), ("2024-04-30", "2024-03-31"),
        ("2024-05-31", "2024-03-31"), ("2024-06-30", "2024-06-30"), ("2024-07-31", "2024-06-30"),
        ("2024-08-31", "2024-06-30"), ("2024-09-30", "2024-09-30"), ("2024-10-15", "2024-09-30"),
    ]  # fmt: skip
    assert set(states(built).values()) == {"no fit date yet", "fitted"}


def test_parameters_are_those_of_the_customers_one_by_one(built: Warehouse):
    """Recomputed from the orders without bins, which move parameters by less than 3 %."""
    end = pd.Timestamp("2024-09-30")
    days = orders().assign(ordered_at=lambda rows: pd.to_datetime(rows["ordered_at"]))
    days = days[days["ordered_at"] <= end].groupby(["customer_id", "ordered_at"], as_index=False)["gross_amount"].sum()
    by_customer = days.groupby("customer_id")
    first = by_customer["ordered_at"].min()
    x = (by_customer.size() - 1).to_numpy()
    t_x = (by_customer["ordered_at"].max() - first).dt.days.to_numpy()
    T = (end - first).dt.days.to_numpy()
    spend = (by_customer["gross_amount"].sum() - by_customer["gross_amount"].first()).to_numpy()
    inputs = built.query(
        """
        select gap_count, gap_days, age_days, cast(repeat_net_revenue as double) as spend
        from intermediate.int_customer_facts where as_of_date = '2024-09-30' order by cast(customer_id as integer)
        """
    )
    assert (inputs.to_numpy()[:, :3] == np.array([x, t_x, T]).T).all()
    assert inputs["spend"].to_numpy() == pytest.approx(spend, abs=0.005)
    (row,) = built.query("select * from marts.clv_parameters where as_of_date = '2024-09-30'").to_dict("records")
    fit, spent = (
        estimation.fit_purchases("pareto_nbd", x, t_x, T),
        estimation.fit_spend(x[x > 0], spend[x > 0] / x[x > 0]),
    )
    assert [row[name] for name in fit.parameters] == pytest.approx(list(fit.parameters.values()), rel=0.03)
    assert [row[name] for name in spent.parameters] == pytest.approx(list(spent.parameters.values()), rel=0.02)
    assert (row["customers"], row["repeat_customers"]) == (fit.customers, fit.repeat_customers)
    assert row["log_likelihood"] == pytest.approx(fit.log_likelihood, rel=1e-3)


def test_scores_are_the_formulas_at_the_parameters_in_force(built: Warehouse):
    """Pareto/NBD in numpy, months one by one, for the date between two fits."""
    rows = built.query(
        """
        select * from intermediate.int_clv_scores as scores
        inner join (select * exclude (slice_version, fitted_as_of) from marts.clv_parameters) using (as_of_date)
        where as_of_date = '2024-08-31'
        """
    )
    r, alpha, s, beta, x, t_x, T = (
        rows[name].to_numpy(float) for name in ("r", "alpha", "s", "beta", "gap_count", "gap_days", "age_days")
    )
    nodes, weights = np.polynomial.legendre.leggauss(200)
    y = t_x + (T - t_x) * ((nodes + 1) / 2)[:, None]
    grid = ((alpha + T) / (alpha + y)) ** (r + x) * ((beta + T) / (beta + y)) ** s / (beta + y)
    p_alive = 1 / (1 + s * (T - t_x) / 2 * (weights[:, None] * grid).sum(axis=0))
    assert rows["p_alive"].to_numpy() == pytest.approx(p_alive, rel=1e-8)

    def expected(month: float) -> np.ndarray:
        growth = 1 - ((beta + T) / (beta + T + month * 365 / 12)) ** (s - 1)
        return p_alive * (r + x) * (beta + T) / (alpha + T) / (s - 1) * growth

    for horizon in (3, 6, 12, 24, 36):
        months = range(1, horizon + 1)
        discounted = sum((expected(month) - expected(month - 1)) * 1.1 ** ((0.5 - month) / 12) for month in months)
        assert rows[f"expected_purchases_{horizon}m"].to_numpy() == pytest.approx(expected(horizon), rel=1e-8)
        assert rows[f"discounted_purchases_{horizon}m"].to_numpy() == pytest.approx(discounted, rel=1e-8)
    # all purchase days, the first too
    spend = rows["p"] * (rows["gamma"] + rows["net_revenue"].astype(float)) / (rows["p"] * (x + 1) + rows["q"] - 1)
    assert rows["expected_spend"].to_numpy() == pytest.approx(spend.to_numpy(), rel=1e-9)
    assert set(rows["clv_state"]) == {"modelled"}
    moments = built.query("select * from intermediate.int_clv_expectations where as_of_date = '2024-08-31'")
    own = rows[["gap_count", "age_days", "p_alive", "expected_spend", "p", "q"]].rename(
        columns={"gap_count": "repeat_count"}
    )
    of_all = own.merge(moments, how="left", on=["repeat_count", "age_days"])
    for side, share in (("low", 0.1), ("high", 0.9)):
        quantiles = spend_quantiles(of_all, 36, share)
        assert rows[f"discounted_spend_36m_{side}"].to_numpy() == pytest.approx(quantiles, rel=1e-6)
        assert quantiles.max() > 100
    days = (pd.to_datetime(rows["expected_next_order_date"]) - pd.Timestamp("2024-08-31")).dt.days
    assert (days.isna() == (expected(36) < 1)).all()
    reached = days.notna().to_numpy()
    assert (expected(days.to_numpy() * 12 / 365)[reached] >= 1 - 1e-9).all()  # the curve lies above the straight lines
    assert (expected((days.to_numpy() - 1) * 12 / 365)[reached] < 1.2).all()


def test_a_refresh_comes_to_the_same_as_a_rebuild_and_a_cut_to_the_same_as_the_past(
    built: Warehouse, refreshed: tuple[Warehouse, list[pd.DataFrame]]
):
    """Parameters and scores to the last bit; and what comes after a date cannot be told from its rows."""
    shop, past = refreshed
    for query, known in zip(PAST, past, strict=True):
        assert len(known)
        pd.testing.assert_frame_equal(known, built.query(query), check_exact=True)
    assert shop.rows("select min(as_of_date) from intermediate.int_slices where is_open") == [(dt.date(2024, 8, 31),)]
    assert shop.rows("select fitted_as_of from intermediate.int_clv_fits") == [(dt.date(2024, 9, 30),)]
    pd.testing.assert_frame_equal(shop.query(PARAMETERS), built.query(PARAMETERS), check_exact=True)


def test_the_history_shows_what_the_scores_are_worth(built: Warehouse, refreshed: tuple[Warehouse, list[pd.DataFrame]]):
    """Residual value: discounted purchases x spend x the margin that all customers leave; and what depends on it."""
    shop, _ = refreshed
    shown = shop.query(
        "select * from marts.customer_value_history where as_of_date = '2024-08-31' order by customer_id"
    )
    scores = built.query(
        "select * from intermediate.int_clv_scores where as_of_date = '2024-08-31' order by customer_id"
    )
    rate = float(shown["margin"].sum()) / float(shown["net_revenue"].sum())
    assert rate == pytest.approx(0.3, abs=1e-3)
    for horizon in (3, 6, 12, 24, 36):
        pd.testing.assert_series_equal(
            shown[f"expected_purchases_{horizon}m"], scores[f"expected_purchases_{horizon}m"]
        )
        worth = scores[f"discounted_purchases_{horizon}m"] * scores["expected_spend"] * rate
        assert shown[f"residual_value_{horizon}m"].astype(float).tolist() == pytest.approx(worth.tolist(), abs=0.006)
    total = shown["realised_value"].astype(float) + shown["residual_value_36m"].astype(float)
    # no source of acquisition costs here
    assert shown["lifetime_value"].astype(float).tolist() == pytest.approx(total.tolist(), abs=1e-6)
    if_alive = scores["alive_discounted_36m"] * scores["expected_spend"] * rate  # P(alive) counts once
    at_risk = if_alive * (1 - shown["p_alive"])
    # to the cent before the chance and after it
    assert shown["revenue_at_risk"].astype(float).tolist() == pytest.approx(at_risk.tolist(), abs=0.011)
    for column in ("p_alive", "expected_spend", "expected_next_order_date", "clv_state"):
        pd.testing.assert_series_equal(shown[column], scores[column])
    forecasts = shop.query(
        """
        select pairs.*, scores.p_alive, scores.expected_spend, parameters.p, parameters.q, forecasts.*
        from marts.customer_forecasts as forecasts
        inner join intermediate.int_clv_scores as scores using (as_of_date, customer_id)
        inner join intermediate.int_clv_expectations as pairs
            on scores.as_of_date = pairs.as_of_date and scores.gap_count = pairs.repeat_count
            and scores.age_days = pairs.age_days
        inner join marts.clv_parameters as parameters using (as_of_date)
        """
    )
    assert len(forecasts) == 5 * len(shop.query("select * from marts.customer_value where order_count > 0"))
    assert set(forecasts["horizon_months"]) == {3, 6, 12, 24, 36}
    for horizon, rows in forecasts.groupby("horizon_months"):
        for side, share in (("low", 0.1), ("high", 0.9)):
            quantiles = spend_quantiles(rows, horizon, share) * rows["margin_rate"].to_numpy()
            assert rows[f"residual_value_{side}"].astype(float).tolist() == pytest.approx(quantiles, abs=0.006), horizon
        assert quantiles.max() > 1


def test_a_shop_with_too_few_repeat_customers_says_so_and_repeats_the_last_window(warehouse: Warehouse):
    rows = orders()
    few = rows[rows["customer_id"] < 60]
    few = pd.concat([few, few[::3].assign(order_id=lambda again: again["order_id"] + len(rows) * 10)])  # twice that day
    # by fixed thresholds some are churned, who repeat nothing; by those of this shop's past nobody is
    scored(warehouse, few, "+customer_value +customer_forecasts", {"stage_method": "fixed"})
    row = warehouse.query("select * from marts.clv_parameters order by as_of_date").to_dict("records")[-1]
    assert row["state"] == "no fit"
    assert row["fit_note"].endswith("repeat customers; a fit takes 50")
    assert pd.isna(row["fitted_as_of"]) and pd.isna(row["r"])
    found = warehouse.query("select * from intermediate.int_clv_scores order by as_of_date")
    found = found[found["as_of_date"] == found["as_of_date"].max()]
    assert set(found["clv_state"]) == {"last window repeated: no fit"}
    assert set(found["spend_state"]) == {"own mean"}
    assert found["p_alive"].isna().all()
    by_customer = few.groupby(few["customer_id"].astype(str))
    found = found.set_index("customer_id")
    assert (
        abs(found["expected_spend"] - by_customer["gross_amount"].sum() / by_customer["ordered_at"].nunique()) < 1e-6
    ).all()
    repeated = found[found["expected_purchases_12m"] > 0]
    days = by_customer["ordered_at"].nunique().reindex(repeated.index)
    assert repeated["expected_purchases_12m"].to_numpy() == pytest.approx(days.to_numpy())
    assert 0 < len(repeated) < len(found)
    assert (found["discounted_purchases_36m"] >= 0).all()
    # looked ahead by horizon as in the history
    shown = warehouse.query("select * from marts.customer_value where order_count > 0 order by customer_id")
    for months in (3, 6, 12, 24, 36):
        ahead = warehouse.query(
            f"select * from marts.customer_forecasts where horizon_months = {months} order by customer_id"
        )
        assert ahead["expected_purchases"].tolist() == pytest.approx(shown[f"expected_purchases_{months}m"].tolist())
        assert ahead["residual_value"].tolist() == shown[f"residual_value_{months}m"].tolist()
        assert ahead["residual_value_low"].isna().all()
        assert ahead["clv_state"].tolist() == shown["clv_state"].tolist()


@pytest.fixture(scope="module")
def losing(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Return a shop that sells below cost, with what two customers cost to win, built with the data tests."""
    warehouse, rows = Warehouse(tmp_path_factory.mktemp("losing")), orders(customers=150)
    warehouse.load({
        "orders": rows.assign(cost_amount=(rows["gross_amount"] * 1.25).round(2)).to_csv(index=False),
        "customers": "customer_id,created_at,acquisition_cost,merged_into_customer_id\n"
        "0,2024-01-01,12.50,\na0,2024-01-02,2.50,0\n1,2024-02-01,,\n",
    })  # fmt: skip
    warehouse.build(select=("--select", "+customer_value", "+customer_forecasts", "--indirect-selection", "buildable"))
    return warehouse


def test_a_shop_that_sells_below_cost_expects_losses_and_says_why(losing: Warehouse):
    """A quarter of what is sold is lost; ranges from the worst to the best all the same, and all data tests hold."""
    found = losing.query("select * from marts.customer_forecasts")
    low, mean, high = (found[f"residual_value{end}"].astype(float) for end in ("_low", "", "_high"))
    assert found["margin_rate"].tolist() == pytest.approx([-0.25] * len(found), abs=1e-4)
    assert set(found["clv_state"]) == {"modelled"}
    assert ((mean <= 0) & (low <= high) & (high <= 0)).all()
    assert (low < mean).any() and (mean < high).any()
    shown = losing.query("select * from marts.customer_value")
    assert (shown["lifetime_value_low"] < shown["lifetime_value_high"]).any()
    assert (shown["lifetime_value_low"] <= shown["lifetime_value_high"]).all()


def test_an_acquisition_cost_is_taken_off_once_the_customer_is_known(losing: Warehouse):
    found = losing.query("select * from marts.customer_value_history where order_count > 0 order by all")
    won = found["customer_id"] == "0"
    assert set(found.loc[won, "acquisition_cost"].astype(float)) == {15.0}  # with that of a customer who was merged
    assert found.loc[~won, "acquisition_cost"].isna().all()
    left = (found["lifetime_value"] - found["realised_value"] - found["residual_value_36m"]).astype(float)
    assert won.sum() > 1
    assert left[won].tolist() == pytest.approx([-15.0] * won.sum(), abs=1e-6)
    assert left[~won].tolist() == pytest.approx([0.0] * (~won).sum(), abs=1e-6)


def test_a_refused_fit_carries_the_last_one_forward_and_says_so(built: Warehouse):
    built.execute(
        "update intermediate.int_clv_fits set is_usable = false, note = 'as if' where fitted_as_of = '2024-06-30'"
    )
    built.execute(
        "update intermediate.int_clv_fits set p = null, q = null, gamma = null, spend_note = 'for once'"
        " where fitted_as_of = '2024-09-30'"
    )
    built.execute("delete from intermediate.int_clv_parameters")
    parameters = ["int_clv_attempts", "int_clv_parameters", "clv_parameters"]
    built.run("run", "--select", *parameters, "int_clv_expectations")
    (row,) = built.query("select * from marts.clv_parameters where as_of_date = '2024-07-31'").to_dict("records")
    assert (row["state"], str(row["fitted_as_of"])[:10], row["fit_note"]) == ("carried forward", "2024-03-31", "as if")
    assert built.rows("select distinct clv_state from intermediate.int_clv_scores where as_of_date = '2024-07-31'") == [
        ("modelled, parameters carried forward",)
    ]
    # spend is refused a quarter later, on its own
    (row,) = built.query("select * from marts.clv_parameters where as_of_date = '2024-09-30'").to_dict("records")
    assert (row["state"], row["spend_state"], row["spend_note"]) == ("fitted", "carried forward", "for once")
    assert str(row["spend_fitted_as_of"])[:10] == "2024-06-30"
    (fitted,) = built.query("select * from marts.clv_parameters where as_of_date = '2024-06-30'").to_dict("records")
    assert row["spend_log_likelihood"] == fitted["spend_log_likelihood"]
    assert [row[name] for name in ("p", "q", "gamma")] == [fitted[name] for name in ("p", "q", "gamma")]
    scores = "select distinct clv_state, spend_state from intermediate.int_clv_scores where as_of_date = '2024-09-30'"
    assert built.rows(scores) == [("modelled", "modelled, parameters carried forward")]
    # and the next day's build, which has no attempt of its own, takes it from what stands
    states = "select spend_state, cast(spend_fitted_as_of as text), spend_note from marts.clv_parameters"
    states += " where as_of_date = '2024-10-15'"
    before = built.rows(states)
    assert before == [("carried forward", "2024-06-30", "for once")]
    built.execute("delete from intermediate.int_clv_parameters where as_of_date = '2024-10-15'")
    built.execute("update intermediate.int_slices set is_open = as_of_date = '2024-10-15'")
    built.execute("delete from intermediate.int_clv_attempts")
    built.run("run", "--select", "int_clv_parameters", "clv_parameters")
    assert built.rows(states) == before


@pytest.mark.parametrize("rows", [
    [("1", "2024-01-05", 10)],
    [(str(customer), f"2024-0{month}-30", 10) for customer in range(80) for month in (3, 4, 5, 6)],
], ids=["one customer", "nobody comes back, then all the same"])  # fmt: skip
def test_the_smallest_shops_have_scores_and_a_reason(warehouse: Warehouse, rows: list[tuple]):
    """Of the second the first quarter ends before anybody has come back, and the second when all have, alike."""
    frame = pd.DataFrame(rows, columns=["customer_id", "ordered_at", "gross_amount"])
    frame.insert(0, "order_id", range(len(frame)))
    scored(warehouse, frame)
    found = warehouse.query(SCORES)
    assert len(found)
    numbers = found.filter(regex="^(expected|discounted)_purchases_|expected_spend")
    assert np.isfinite(numbers.to_numpy(float)).all()
    assert (numbers.to_numpy(float) >= 0).all()
    assert found["clv_state"].notna().all()
    assert (found["expected_spend"] == 10).all()
