"""Whom the scores rank, and that nobody rises in score, segment or tier because others fall silent (decision 0024)."""

from __future__ import annotations

import oracle
import pandas as pd
import pytest
from conftest import Warehouse

SCORES = ["recency_score", "frequency_score", "monetary_score"]


@pytest.fixture(scope="module")
def dormant(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Return ten customers who buy in January 2022, five of them again in 2023, one in February 2024, built."""
    bought = [(f"c{i}", f"2022-01-{5 + i:02}", 100 + i) for i in range(10)]
    bought += [(f"c{i}", f"2023-01-{5 + i:02}", 100 + i) for i in range(5)]
    bought += [("c0", "2024-02-10", 100)]
    orders = "".join(f"{number},{','.join(map(str, order))}\n" for number, order in enumerate(bought))
    warehouse = Warehouse(tmp_path_factory.mktemp("dormant"))
    warehouse.load({"orders": "order_id,customer_id,ordered_at,gross_amount\n" + orders})
    warehouse.make("customer_value", "int_customer_migrations")
    return warehouse


@pytest.fixture(params=["dormant", "shop", "cdnow", "complete_journey", "clean_shop"])
def data_set(request: pytest.FixtureRequest) -> Warehouse:
    return request.getfixturevalue(request.param)


def history(warehouse: Warehouse) -> pd.DataFrame:
    """Return the slices of customers who have ordered, each with what was so at the as-of date before."""
    slices = warehouse.query("""
        select history.*, dates.opening_date
        from marts.customer_value_history as history
        inner join intermediate.int_as_of_dates as dates using (as_of_date)
        where order_count > 0
    """)
    before = slices[["as_of_date", "customer_id", *SCORES]]
    return slices.merge(
        before, how="left", left_on=["opening_date", "customer_id"], right_on=["as_of_date", "customer_id"],
        suffixes=("", "_before"),
    )  # fmt: skip


def test_where_nobody_has_bought_in_the_window_all_have_1_1_1_and_nobody_rises(dormant: Warehouse):
    rows = dormant.rows("""
        select customer_id, recency_score, frequency_score, monetary_score, rfm_segment
        from marts.customer_value_history
        where as_of_date = '2024-01-31'
    """)
    assert sorted(rows) == [(f"c{number}", 1, 1, 1, "Lost") for number in range(10)]
    rows = dormant.rows("""
        select cast(as_of_date as varchar), raw_tier, tier, abc_tier
        from marts.customer_value_history
        where customer_id = 'c9' and as_of_date in ('2022-12-31', '2023-12-31', '2024-01-31', '2024-02-10')
        order by 1
    """)
    assert rows == [
        ("2022-12-31", "A", "A", "A"),
        *[(date, "B", "B", "A") for date in ("2023-12-31", "2024-01-31", "2024-02-10")],
    ]
    # one buys again: the only one who is ranked
    rows = dormant.rows("select customer_id, recency_score from marts.customer_value where frequency_score > 1")
    assert rows == [("c0", 3)]


def test_who_has_no_purchase_in_the_window_never_rises(data_set: Warehouse):
    slices = history(data_set)
    silent = slices[slices["frequency"] == 0]
    assert (silent[SCORES] == 1).all(axis=None)
    assert (silent["rfm_segment"] == "Lost").all()
    for column in SCORES:
        assert not (silent[column] > silent[f"{column}_before"]).any()
    for column in ("tier", "raw_tier"):
        assert not (silent[column] < silent[f"opening_{column}"]).any()


def test_any_other_rise_without_a_purchase_is_a_threshold_shift(data_set: Warehouse):
    moves = data_set.query("select as_of_date, customer_id, tier_cause, rfm_segment_cause from "
                           "intermediate.int_customer_migrations")  # fmt: skip
    slices = history(data_set).merge(moves, how="left", on=["as_of_date", "customer_id"])
    idle = slices[slices["opening_tier"].notna() & (slices["last_order_date"] <= slices["opening_date"])]
    assert set(idle.loc[idle["tier"] < idle["opening_tier"], "tier_cause"]) <= {"threshold_shift"}
    rises = pd.concat([idle[column] - idle[f"{column}_before"] for column in SCORES], axis=1)
    risen = idle[
        (rises >= 0).all(axis=1) & (rises > 0).any(axis=1) & (idle["rfm_segment"] != idle["opening_rfm_segment"])
    ]
    assert set(risen["rfm_segment_cause"]) <= {"threshold_shift"}


def test_the_data_hold_customers_without_a_purchase_in_the_window(cdnow: Warehouse):
    """Those who must not rise; rises by thresholds alone are made by the shops below, CDNOW has none."""
    assert (history(cdnow)["frequency"] == 0).sum() > 10_000


def test_small_newcomers_lift_the_abc_tier_of_the_silent_but_not_their_raw_tier(warehouse: Warehouse):
    """The cut comes down for everybody; who has left the window is held to what it took when it left."""
    orders = ["1,large,2022-01-05,200", "2,larger,2022-01-05,201", "3,silent,2022-01-05,10", "4,late,2022-12-30,1"]
    orders += [f"{number},new {number},2023-05-05,5" for number in range(10, 40)]
    orders += ["90,silent,2023-07-05,10"]
    warehouse.load({"orders": "order_id,customer_id,ordered_at,gross_amount\n" + "\n".join(orders) + "\n"})
    warehouse.make("customer_value_history", "tier_thresholds")
    rows = warehouse.rows("""
        select cast(as_of_date as varchar), frequency_score, abc_tier, raw_tier
        from marts.customer_value_history
        where
            customer_id = 'silent'
            and as_of_date in ('2022-12-31', '2023-01-31', '2023-05-31', '2023-06-30', '2023-07-05')
        order by 1
    """)
    assert [row[2:] for row in rows] == [("C", "C"), ("C", "C"), ("A", "C"), ("A", "C"), ("A", "A")]
    assert [row[1] for row in rows][1:4] == [1, 1, 1]
    expected = oracle.History(oracle.raw_tables(warehouse))
    oracle.compare_history(warehouse, expected)
    oracle.compare_thresholds(warehouse, expected)


def test_a_lifetime_value_ranks_and_is_held_at_its_least(shop: Warehouse, warehouse: Warehouse):
    """The forecast itself is recomputed in test_clv_models.py; here it is taken as published."""
    warehouse.database.write_bytes(shop.database.read_bytes())
    variables = {"abc_value": "lifetime_value", "window_months": 5}
    warehouse.make("customer_value_history", "tier_thresholds", variables=variables)
    slices = warehouse.query("select * from marts.customer_value_history where order_count > 0 order by as_of_date")
    slices["value"] = slices["lifetime_value"].map(oracle.cents)
    slices["least"] = slices.groupby(["customer_id", "last_order_date"])["value"].cummin()
    thresholds = warehouse.query("select * from marts.tier_thresholds").set_index("as_of_date")
    for date, rows in slices.groupby("as_of_date"):
        expected = oracle.abc_tiers(rows["value"].to_numpy(), 0.80, 0.95)
        assert rows["abc_tier"].tolist() == expected.tolist(), date
        for tier, column in {"A": "abc_value_a", "B": "abc_value_b"}.items():
            assert oracle.cents(thresholds.loc[date, column]) == rows.loc[expected <= tier, "value"].min(), date
    spine = thresholds.index.sort_values()
    silent = slices[slices["frequency"] == 0]
    assert len(silent) > 10
    for row in silent.to_dict("records"):
        since = oracle.month_end(row["last_order_date"].replace(day=1) + pd.DateOffset(months=4))
        between = thresholds.loc[[date for date in spine if since <= date <= row["as_of_date"]]]
        held = [oracle.cents(between[column].max()) for column in ("abc_value_a", "abc_value_b")]
        tier = "A" if row["least"] >= held[0] else "B" if row["least"] >= held[1] else "C"
        assert row["raw_tier"] == oracle.raw_tier(tier, 1), row


@pytest.mark.parametrize(
    "variables",
    [
        {"abc_value": "window_revenue"},
        {"abc_value": "window_margin", "window_months": 5},
        {"abc_value": "margin", "rfm_population": "all", "window_months": 5},
    ],
    ids=lambda variables: ", ".join(str(value) for value in variables.values()),
)
def test_every_value_and_population_is_what_the_definitions_say(shop: Warehouse, warehouse: Warehouse, variables: dict):
    """Built on a database that holds the history at the default vars, none of which may remain."""
    warehouse.database.write_bytes(shop.database.read_bytes())
    warehouse.make("customer_value", "tier_thresholds", variables=variables)
    expected = oracle.History(oracle.raw_tables(warehouse), variables)
    oracle.compare_history(warehouse, expected)
    oracle.compare_thresholds(warehouse, expected)
