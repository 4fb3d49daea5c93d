"""customer_value, column by column, and its sums against a recomputation (oracle.py), at other vars too."""

from __future__ import annotations

import oracle
import pandas as pd
import pytest
from conftest import Warehouse


def compare(warehouse: Warehouse, history: oracle.History) -> None:
    """Fail where customer_value is not the last slice that the oracle computes."""
    oracle.compare(warehouse.query("select * from marts.customer_value"), history.slice(history.spine[-1]))


@pytest.fixture(params=["shop", "credit_notes", "complete_journey", "cdnow", "clean_shop"])
def data_set(request: pytest.FixtureRequest) -> Warehouse:
    return request.getfixturevalue(request.param)


def test_every_column_of_every_customer_is_what_the_definitions_say(data_set: Warehouse):
    compare(data_set, oracle.of_warehouse(data_set))


@pytest.mark.parametrize(("mart", "label"), [("tier_summary", "tier"), ("segment_summary", "rfm_segment")])
def test_summaries_are_the_customers_counted_and_added_up_on_every_date(data_set: Warehouse, mart: str, label: str):
    history = oracle.of_warehouse(data_set)
    published = dict(list(data_set.query(f"select * from marts.{mart}").groupby("as_of_date")))
    assert sorted(date.date() for date in published) == history.spine
    for date, rows in published.items():
        customers = history.slice(date.date())
        groups = customers.groupby(customers[label].fillna("none"))
        sums = groups[["monetary", "net_revenue", "margin", "realised_value"]].sum()
        actual = rows.set_index(label).sort_index()
        assert list(actual.index) == list(sums.index), date
        assert (actual["customers"] == groups.size()).all(), date
        for column in sums:
            assert (actual[column].map(oracle.cents) == sums[column]).all(), (date, column)
        for column, share in [
            ("customer_share", groups.size() / len(customers)),
            ("net_revenue_share", sums["net_revenue"] / customers["net_revenue"].sum()),
        ]:
            pd.testing.assert_series_equal(actual[column], share, rtol=1e-9, atol=0, check_names=False)
        per_customer = sums["net_revenue"] / groups.size()
        assert (abs(actual["net_revenue_per_customer"].astype(float) * 100 - per_customer) <= 0.5 + 1e-6).all(), date


@pytest.mark.parametrize("method", [method for method in oracle.score_methods("recency") if method != "midrank"])
def test_the_other_scoring_methods_hold_for_every_customer(clean_shop: Warehouse, method: str, warehouse: Warehouse):
    """Built on a database that holds the history by mid-rank, none of which may remain."""
    warehouse.database.write_bytes(clean_shop.database.read_bytes())
    warehouse.make("customer_value", "tier_thresholds", variables={"rfm_method": method})
    history = oracle.History(oracle.raw_tables(warehouse), {"rfm_method": method})
    compare(warehouse, history)
    oracle.compare_history(warehouse, history)
    oracle.compare_thresholds(warehouse, history)


def test_a_past_date_and_other_vars_hold_too(cdnow: Warehouse, warehouse: Warehouse):
    """In the middle of a month, where a tier may rise but not fall. Other populations: test_scored_customers.py."""
    variables = {
        "as_of_date": "1997-11-20",
        "window_months": 4,
        "abc_value": "margin",
        "abc_cutoff_a": 0.5,
        "abc_cutoff_b": 0.9,
        "demotion_patience": 2,
        "rfm_method": "ntile",
        "default_margin_rate": 0.155,
        "annual_discount_rate": 0.25,
        "expected_gap_prior_weight": 1,
        "churned_overdue_ratio": 2.5,
        "churned_min_recency_days": 20,
        "decline_overdue_ratio": 1.5,
        "decline_revenue_ratio": 0.8,
        "formation_min_orders": 3,
        "stability_min_orders": 6,
    }
    warehouse.database.write_bytes(cdnow.database.read_bytes())
    warehouse.make("customer_value", "tier_thresholds", variables=variables)
    history = oracle.History(oracle.raw_tables(warehouse), variables)
    last = history.slice(history.spine[-1])
    assert (last["tier"] < last["opening_tier"]).any()  # some rise
    assert (last["raw_tier"] > last["tier"]).any()  # and some would fall
    compare(warehouse, history)
    oracle.compare_history(warehouse, history)
    oracle.compare_thresholds(warehouse, history)
