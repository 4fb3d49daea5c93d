"""Every customer's row against an independent recomputation (oracle.py), column by column."""

from __future__ import annotations

import datetime as dt
import functools

import oracle
import pandas as pd
import pytest
from conftest import Warehouse

MONEY = ["monetary", "previous_monetary", "net_revenue", "margin", "realised_value"]
DOUBLES = ["overdue_ratio", "expected_gap_days", "cumulative_share"]
EXACT = [
    "as_of_date", "tier", "raw_tier", "abc_tier", "rfm_segment", "lifecycle_stage", "recency_days", "frequency",
    "order_count", "first_order_date", "last_order_date", "margin_is_estimated",
]  # fmt: skip
MEASURES = ["recency", "frequency", "monetary"]


def raw_tables(warehouse: Warehouse) -> dict[str, pd.DataFrame]:
    queries = dict.fromkeys(["orders", "customers", "refunds", "exchange_rates"], "*") | {
        "order_items": "order_id, cost_amount"
    }
    return {table: warehouse.query(f"select {columns} from raw.{table}") for table, columns in queries.items()}


@functools.cache
def expected_values(warehouse: Warehouse) -> pd.DataFrame:
    """Return the oracle's customer_value at the default vars; computed once per data set."""
    return oracle.customer_value(raw_tables(warehouse))


def same(published: pd.Series, expected: pd.Series) -> pd.Series:
    """Tell, row by row, whether two columns agree; missing agrees with missing only."""
    return (published == expected) | (published.isna() & expected.isna())


def compare(warehouse: Warehouse, expected: pd.DataFrame, method: str = "midrank") -> None:
    """Fail with the first rows that differ, for every column of customer_value."""
    published = warehouse.query("select * from marts.customer_value").set_index("customer_id").sort_index()
    assert list(published.index) == list(expected.index)
    for column in EXACT:
        actual = published[column]
        if column.endswith("_date"):
            actual = actual.map(lambda value: None if pd.isna(value) else pd.Timestamp(value).date())
        wrong = ~same(actual.astype(object), expected[column].astype(object))
        assert not wrong.any(), f"{column}\n{pd.concat([actual, expected[column]], axis=1)[wrong].head()}"
    for column in MONEY:
        wrong = published[column].map(oracle.cents) != expected[column]
        assert not wrong.any(), f"{column}\n{pd.concat([published[column], expected[column]], axis=1)[wrong].head()}"
    for column in DOUBLES:
        pd.testing.assert_series_equal(
            published[column], expected[column].astype(float), rtol=1e-9, atol=0, check_names=False
        )
    for measure in MEASURES:
        wrong = ~same(published[f"{measure}_score"].astype(float), expected[f"{measure}_{method}"].astype(float))
        assert not wrong.any(), f"{measure}\n{published[wrong].head()}"


@pytest.fixture(params=["shop", "complete_journey", "cdnow", "clean_shop"])
def data_set(request: pytest.FixtureRequest) -> Warehouse:
    return request.getfixturevalue(request.param)


def test_every_column_of_every_customer_is_what_the_definitions_say(data_set: Warehouse):
    compare(data_set, expected_values(data_set))


@pytest.mark.parametrize(("mart", "label"), [("tier_summary", "tier"), ("segment_summary", "rfm_segment")])
def test_summaries_are_the_customers_counted_and_added_up(data_set: Warehouse, mart: str, label: str):
    customers = expected_values(data_set)
    groups = customers.groupby(customers[label].fillna("none"))
    sums = groups[["monetary", "net_revenue", "margin", "realised_value"]].sum()
    published = data_set.query(f"select * from marts.{mart}").set_index(label).sort_index()
    assert list(published.index) == list(sums.index)
    assert (published["customers"] == groups.size()).all()
    for column in sums:
        assert (published[column].map(oracle.cents) == sums[column]).all(), column
    for column, share in [
        ("customer_share", groups.size() / len(customers)),
        ("net_revenue_share", sums["net_revenue"] / customers["net_revenue"].sum()),
    ]:
        pd.testing.assert_series_equal(published[column], share, rtol=1e-9, check_names=False)
    per_customer = sums["net_revenue"] / groups.size()
    assert (abs(published["net_revenue_per_customer"].astype(float) * 100 - per_customer) <= 0.5 + 1e-6).all()


@pytest.mark.parametrize("method", ["midrank", "ntile", "cutoffs"])
def test_all_three_scoring_methods_hold_for_every_customer(data_set: Warehouse, method: str):
    expected = expected_values(data_set).query("order_count > 0")
    published = (
        data_set.query(f"select * from intermediate.int_rfm_scores_{method}").set_index("customer_id").sort_index()
    )
    assert list(published.index) == list(expected.index)
    for measure in MEASURES:
        assert (published[f"{measure}_score"] == expected[f"{measure}_{method}"]).all(), measure


def test_a_past_date_and_other_vars_hold_too(cdnow: Warehouse, warehouse: Warehouse):
    variables = {
        "as_of_date": "1997-11-30",
        "window_months": 6,
        "abc_value": "margin",
        "rfm_method": "ntile",
        "default_margin_rate": 0.155,
        "annual_discount_rate": 0.25,
        "expected_gap_prior_weight": 1,
    }
    warehouse.database.write_bytes(cdnow.database.read_bytes())
    warehouse.build(variables)
    expected = oracle.customer_value(raw_tables(warehouse), dt.date(1997, 11, 30), variables)
    compare(warehouse, expected, method="ntile")
