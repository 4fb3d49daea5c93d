"""The mart label_truth: recomputed customer by customer, blind to the future, worked out again when it has to be."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from conftest import Warehouse, server
from scipy.stats import binomtest

KEY = ["as_of_date", "label_type", "label", "horizon_months"]
NUMBERS = ["customers", "returned_customers", "revenue", "revenue_per_customer"]
RATES = ["return_rate", "return_rate_low", "return_rate_high"]
LABELS = ["lifecycle_stage", "tier", "rfm_segment", "churn_risk"]
HORIZONS = [3, 6, 12]
TRUTH = f"select * from marts.label_truth order by {', '.join(KEY)}"
HISTORY = f"""
    select as_of_date, customer_id, {", ".join(LABELS)} from marts.customer_value_history
    where order_count > 0 and as_of_date = last_day(as_of_date)
"""


def mart(warehouse: Warehouse) -> pd.DataFrame:
    rows = warehouse.query(TRUTH)
    for column in ("as_of_date", "horizon_ends_on"):
        rows[column] = pd.to_datetime(rows[column])
    return rows


def to_the_cent(total: int, customers: int) -> float:
    """Return a mean of cents as an amount, halves away from zero."""
    cents = (2 * abs(total) + customers) // (2 * customers)
    return (cents if total >= 0 else -cents) / 100


def expected(warehouse: Warehouse) -> pd.DataFrame:
    """Return the mart from labels, orders and bookings: sets of customers, no months, no windows."""
    history = warehouse.query(HISTORY)
    orders = warehouse.query("select customer_id, order_date from marts.orders where gross_amount >= 0")
    ledger = warehouse.query(
        """
        select customer_id, order_date, booked_on, cast(100 * net_revenue as bigint) as cents
        from intermediate.int_ledger
        """
    )
    ((last,),) = warehouse.rows("select max(as_of_date) from marts.customer_value")
    rows = []
    for origin, customers in history.groupby("as_of_date"):
        for months in HORIZONS:
            end = origin + pd.offsets.MonthEnd(months)
            if end > pd.Timestamp(last):
                continue
            bought = orders[(orders["order_date"] > origin) & (orders["order_date"] <= end)]
            booked = ledger[
                (ledger["order_date"] > origin) & (ledger["order_date"] <= end) & (ledger["booked_on"] <= end)
            ]
            returned = set(bought["customer_id"])
            cents = booked.groupby("customer_id")["cents"].sum().to_dict()
            for label_type in LABELS:
                for label, group in customers.groupby(label_type):
                    ids = list(group["customer_id"])
                    n, x, money = len(ids), sum(id in returned for id in ids), sum(cents.get(id, 0) for id in ids)
                    interval = binomtest(x, n).proportion_ci(0.95, "wilson")
                    rows.append((
                        origin, label_type, label, months, n, x, money / 100, to_the_cent(money, n), x / n,
                        interval.low, interval.high, end,
                    ))  # fmt: skip
    found = pd.DataFrame(rows, columns=[*KEY, *NUMBERS, *RATES, "horizon_ends_on"])
    return found.sort_values(KEY, ignore_index=True)


def copied(warehouse: Warehouse, folder: Path, *statements: str) -> Warehouse:
    copy = Warehouse(folder)
    shutil.copy(warehouse.database, copy.database)
    for statement in statements:
        copy.execute(statement)
    return copy


def assert_as_recomputed(warehouse: Warehouse) -> pd.DataFrame:
    """Compare the mart with expected: keys, counts and cents exactly; return it."""
    found, wanted = mart(warehouse), expected(warehouse)
    columns = [*KEY, "horizon_ends_on"]
    assert found[columns].to_numpy().tolist() == wanted[columns].to_numpy().tolist()
    for column in NUMBERS:
        assert found[column].astype(float).tolist() == wanted[column].tolist(), column
    for column in RATES:
        assert found[column].tolist() == pytest.approx(wanted[column].tolist(), abs=1e-12), column
    return found


@pytest.mark.parametrize("data_set", ["shop", "complete_journey"])
def test_every_number_is_that_of_the_customers_with_the_label(data_set: str, request: pytest.FixtureRequest):
    found = assert_as_recomputed(request.getfixturevalue(data_set))
    assert len(found) > 200
    assert set(found["horizon_months"]) == ({3, 6} if data_set == "complete_journey" else set(HORIZONS))


def test_a_refund_is_in_a_horizon_that_holds_its_order_and_the_refund(shop: Warehouse, tmp_path: Path):
    """Ada orders for 250.00 in March 2023; 5.00 go back on 20 April, after three months from December, within six."""
    changed = copied(
        shop,
        tmp_path,
        "update staging.stg_refunds set order_id = '1003', refund_date = '2023-04-20' where refund_id = 'r5'",
    )
    changed.run("run", "--full-refresh", "--select", "int_customer_days", "int_label_origins+")
    changes = mart(shop).merge(assert_as_recomputed(changed), on=KEY, suffixes=("", "_now"))
    changes = changes[changes["revenue"] != changes["revenue_now"]]
    december = changes[(changes["as_of_date"] == "2022-12-31") & (changes["label_type"] == "tier")]
    assert (december["revenue"] - december["revenue_now"]).astype(float).tolist() == [5.0] * len(december)
    assert december["horizon_months"].tolist() == [6]  # of twelve months it was one before, of another order


def rebuild(warehouse: Warehouse, *options: str) -> pd.DataFrame:
    """Return the mart after a run of it and of what it alone is made of."""
    warehouse.run("run", *options, "--select", "int_label_origins+")
    return mart(warehouse)


def test_an_outcome_knows_the_labels_of_its_origin_and_nothing_after_the_end_of_its_horizon(
    shop: Warehouse, tmp_path: Path
):
    """Other labels later, no bookings later: the same rows. What came within horizons does count."""
    day = "2022-12-31"
    later = copied(
        shop, tmp_path,
        f"update marts.customer_value_history set lifecycle_stage = 'other', tier = 'C' where as_of_date > '{day}'",
        f"delete from intermediate.int_customer_days where booked_on > '{day}'",
    )  # fmt: skip
    before, after = mart(shop), rebuild(later, "--full-refresh")
    known = before["horizon_ends_on"] <= day
    assert known.sum() > 50
    columns = [name for name in before if name != "slice_version"]
    pd.testing.assert_frame_equal(
        before.loc[known, columns].reset_index(drop=True),
        after.loc[after["horizon_ends_on"] <= day, columns].reset_index(drop=True),
        check_exact=True,
    )
    assert before["returned_customers"].sum() > after["returned_customers"].sum()


def test_an_origin_is_worked_out_again_when_its_horizon_changes_and_only_then(shop: Warehouse, tmp_path: Path):
    warehouse = copied(shop, tmp_path)
    for statement, opened in [
        ("select 1", []),
        (
            "update marts.label_truth set customers = 0, slice_version = 'old' where horizon_ends_on = '2023-06-30'",
            [("2022-06-30", 12), ("2022-12-31", 6), ("2023-03-31", 3)],
        ),
    ]:
        warehouse.execute(statement)
        found = rebuild(warehouse)
        origins = "select cast(as_of_date as text), horizon_months from intermediate.int_label_origins order by 1"
        assert warehouse.rows(origins) == opened
        pd.testing.assert_frame_equal(mart(shop), found, check_exact=True)
    # the mart alone, with origins of an earlier run: no row twice
    warehouse.run("run", "--select", "label_truth")
    pd.testing.assert_frame_equal(mart(shop), mart(warehouse), check_exact=True)


def test_the_analysis_says_what_a_manager_asks(complete_journey: Warehouse):
    """As label_truth of 2017-06-30, the one origin that overlaps no other."""
    show = ["show", "--select", "do_labels_come_true", "--limit", "50", "--output", "json"]
    _, shown = server().invoke(complete_journey.database, *show)
    rows = {(row["label_type"], row["label"]): row for row in json.loads(shown)["show"]}
    truth = mart(complete_journey)
    last = truth[(truth["as_of_date"] == "2017-06-30") & (truth["horizon_months"] == 6)]
    assert len(rows) == len(last)
    for row in last.itertuples():
        said = rows[row.label_type, row.label]
        assert (said["customers"], said["within_months"]) == (row.customers, 6)
        for name, rate in zip(["bought_again_percent", "low", "high"], RATES, strict=True):
            assert said[name] == pytest.approx(100 * getattr(row, rate), abs=0.0501)
        assert said["spent_each"] == pytest.approx(float(row.revenue_per_customer), abs=0.001)
