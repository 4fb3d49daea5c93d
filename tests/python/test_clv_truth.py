"""Predicted value beside the truth of a generated shop: parameters, who is alive, and how often ranges hold.

The shop of scripts/generate_shop.py draws every customer from a Pareto/NBD and a Gamma-Gamma whose parameters are in
that file, and writes down when each one leaves. Some orders are cancelled, which makes rates a little lower.
"""

from __future__ import annotations

from argparse import Namespace

import numpy as np
import pandas as pd
import pytest
from conftest import Warehouse

from customer_value import contract
from customer_value.raw import load_files
from customer_value.shop import draws, generate_shop

ORDERS = 60_000
LOADED = {"orders", "exchange_rates"}  # merged customers would be several of the truth in one


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Return the warehouse of a clean generated shop, its files in folder/shop."""
    warehouse = Warehouse(tmp_path_factory.mktemp("simulated"))
    generate_shop.write_shop(warehouse.folder / "shop", ORDERS)
    for file in (warehouse.folder / "shop").glob("*.parquet"):
        if file.stem not in LOADED:
            file.unlink()
    load_files.load(Namespace(database=warehouse.database, folder=warehouse.folder / "shop"))
    absent = {f"has_{source}": False for source in contract.sources() if source not in LOADED | {"orders"}}
    absent["has_exchange_rates"] = True
    marts = ["+clv_backtest", "+customer_forecasts", "+customer_value", "clv_parameters"]
    untested = ["--exclude-resource-type", "test", "unit_test"]
    warehouse.run("build", "--select", *marts, *untested, variables=absent)
    return warehouse


@pytest.fixture(scope="module")
def judged(simulated: Warehouse) -> pd.DataFrame:
    """Return the current slice, customers with an order, with the truth beside it."""
    shown = simulated.query(
        "select * from marts.customer_value where order_count > 0 and clv_state = 'modelled' order by customer_id"
    )
    truth = pd.read_parquet(simulated.folder / "shop" / "truth" / "customers.parquet")
    rows = shown.merge(truth, on="customer_id", validate="one_to_one")
    assert len(rows) == len(shown) > 10_000
    return rows.assign(is_alive=pd.to_datetime(rows["dropout_date"]) > pd.to_datetime(rows["as_of_date"]))


def test_parameters_are_those_the_customers_were_drawn_from(simulated: Warehouse):
    (found,) = simulated.query("select * from marts.clv_parameters order by as_of_date").tail(1).to_dict("records")
    drawn = {
        "r": draws.RATE_SHAPE, "alpha": 365 * draws.RATE_SCALE, "s": draws.DROPOUT_SHAPE,
        "beta": 365 * draws.DROPOUT_SCALE, "p": draws.SPEND_SHAPE, "q": draws.MEAN_SHAPE,
    }  # fmt: skip
    print({name: (round(found[name], 3), value) for name, value in drawn.items()}, found["gamma"])
    assert found["state"] == "fitted"
    for name, value in drawn.items():
        assert found[name] == pytest.approx(value, rel=0.25), name
    # where the customers' mean rate, mean rate of leaving and mean spend lie: what forecasts hang on
    assert found["r"] / found["alpha"] == pytest.approx(drawn["r"] / drawn["alpha"], rel=0.1)
    assert found["s"] / found["beta"] == pytest.approx(drawn["s"] / drawn["beta"], rel=0.1)
    assert found["p"] * found["gamma"] / (found["q"] - 1) == pytest.approx(60, rel=0.1)


def test_of_those_given_80_percent_80_percent_are_alive(judged: pd.DataFrame):
    """By tenths of p_alive; within three standard errors, and .03 for parameters that are themselves estimates."""
    tenth = np.minimum((10 * judged["p_alive"]).astype(int), 9)
    groups = judged.groupby(tenth).agg(
        customers=("is_alive", "size"), given=("p_alive", "mean"), alive=("is_alive", "mean")
    )
    print(groups.round(3))
    groups = groups[groups["customers"] >= 50]
    assert len(groups) >= 8
    allowed = 0.03 + 3 * np.sqrt(groups["given"] * (1 - groups["given"]) / groups["customers"])
    assert (abs(groups["given"] - groups["alive"]) <= allowed).all()
    assert judged["p_alive"].mean() == pytest.approx(judged["is_alive"].mean(), abs=0.02)


def test_ranges_hold_about_as_often_as_they_say(simulated: Warehouse):
    """Of all customers more than 80 %: a range that begins at 0 leaves nothing out below. Of the others about 80 %."""
    whole = simulated.query(
        """
        select * from marts.clv_backtest
        where method = 'model' and measure = 'spend' and bucket_type = 'all' and as_of_date >= '2022-06-30'
        """
    )
    assert len(whole) >= 8
    assert whole["interval_coverage"].between(0.8, 0.95).all()
    shares = simulated.query(
        """
        select
            as_of_date, count(*) as customers, avg(if(actual_spend < model_spend_low, 1, 0)) as below,
            avg(if(actual_spend > model_spend_high, 1, 0)) as above
        from intermediate.int_clv_backtest
        where model_spend_low > 0 and as_of_date >= '2022-06-30'
        group by as_of_date having count(*) >= 100 order by as_of_date
        """
    )
    print(f"{whole['interval_coverage'].round(3).tolist()}\n{shares}")
    assert len(shares) >= 6
    assert shares["below"].between(0.04, 0.2).all()
    assert shares["above"].between(0.04, 0.16).all()
    others = simulated.query("select * from marts.clv_backtest where method <> 'model' or measure <> 'spend'")
    assert others["interval_coverage"].isna().all()


def test_forecasts_of_all_horizons_are_those_of_the_current_slice(simulated: Warehouse):
    forecasts = simulated.query("select * from marts.customer_forecasts order by customer_id, horizon_months")
    shown = simulated.query("select * from marts.customer_value where order_count > 0 order by customer_id")
    assert sorted(set(forecasts["horizon_months"])) == [3, 6, 12, 24, 36]
    assert len(forecasts) == 5 * len(shown)
    assert set(forecasts["as_of_date"]) == set(shown["as_of_date"])
    for months in (3, 6, 12, 24, 36):
        rows = forecasts[forecasts["horizon_months"] == months]
        assert rows["expected_purchases"].tolist() == shown[f"expected_purchases_{months}m"].tolist()
        assert rows["residual_value"].tolist() == shown[f"residual_value_{months}m"].tolist()
    assert rows["clv_state"].tolist() == shown["clv_state"].tolist()
    before = shown["realised_value"] - shown["acquisition_cost"].fillna(0)
    for side in ("low", "high"):
        total = before + rows[f"residual_value_{side}"].to_numpy()
        assert total.tolist() == pytest.approx(shown[f"lifetime_value_{side}"].tolist(), abs=0.001)
    by_customer = forecasts.groupby("customer_id")[["expected_purchases", "residual_value", "residual_value_high"]]
    assert (by_customer.diff().dropna() >= 0).all().all()
    # a range may begin at 0, never above what is expected by much; and some begin above it
    assert (rows["residual_value_low"] <= rows["residual_value"]).all()
    assert (rows["residual_value_low"] > 0).sum() > 100
