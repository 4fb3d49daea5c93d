"""return_rates and the labels by it: recomputed by customer, fitted by scipy, the words held to what they say."""

from __future__ import annotations

import datetime as dt

import numpy as np
import oracle
import pandas as pd
import pytest
from conftest import Warehouse
from scipy.optimize import isotonic_regression
from stage_oracle import Stages

CURVES = "select * from marts.return_rates order by as_of_date, horizon_months, ratio_from"
COUNTED = ["ratio_from", "customers", "returned_customers"]
DATA_SETS = ["complete_journey", "cdnow", "clean_shop"]


@pytest.fixture(params=DATA_SETS)
def data_set(request: pytest.FixtureRequest) -> Warehouse:
    return request.getfixturevalue(request.param)


def curves(warehouse: Warehouse) -> dict[tuple[dt.date, int], pd.DataFrame]:
    """Return {(as-of date, horizon): rows by ratio}."""
    groups = warehouse.query(CURVES).groupby(["as_of_date", "horizon_months"])
    return {(date.date(), months): rows for (date, months), rows in groups}


def test_every_curve_counts_who_came_back(data_set: Warehouse):
    """Every date and horizon, from the raw orders; and none where the oracle knows of no origin."""
    stages = Stages(oracle.of_warehouse(data_set))
    published = curves(data_set)
    for date in stages.history.spine:
        for horizon in stages.horizons:
            expected = [(float(g.ratio_from), g.customers, g.returned) for g in stages.curve(date, horizon)]
            rows = published.pop((date, horizon), pd.DataFrame(columns=COUNTED))
            found = [*rows[COUNTED].itertuples(index=False, name=None)]
            assert found == expected, (date, horizon)
    assert published == {}


def test_the_rates_are_monotone_as_scipy_makes_them(data_set: Warehouse):
    for key, rows in curves(data_set).items():
        fit = isotonic_regression(rows["return_rate"], weights=rows["customers"], increasing=False)
        assert np.allclose(rows["monotone_return_rate"], fit.x, rtol=1e-12, atol=1e-12), key
    assert any((rows["monotone_return_rate"] != rows["return_rate"]).any() for rows in curves(data_set).values())


def test_the_labels_come_true(cdnow: Warehouse, clean_shop: Warehouse, warehouse: Warehouse):
    """As tests/marts/labels/assert_labels_come_true.sql, which only warns: where a whole horizon taught the thresholds.

    Complete Journey has no such origin, and calls nobody churned.
    """
    test = ("test", "--no-quiet", "--select", "assert_labels_come_true")
    for built in (cdnow, clean_shop):
        assert "PASS assert_labels_come_true" in built.said(*test)
        warehouse.database.write_bytes(built.database.read_bytes())
        warehouse.execute("update marts.label_truth set returned_customers = customers where label = 'churned'")
        assert "WARN 3 assert_labels_come_true" in warehouse.said(*test)


def test_who_comes_back_later_than_a_date_plays_no_part_in_it(clean_shop: Warehouse):
    rows = clean_shop.query(CURVES)
    ends = [
        (origin + pd.DateOffset(months=months)) + pd.offsets.MonthEnd(0)
        for origin, months in zip(pd.to_datetime(rows["last_origin"]), rows["horizon_months"], strict=True)
    ]
    assert (pd.to_datetime(rows["as_of_date"]) >= pd.Series(ends)).all()
    (counts,) = clean_shop.rows("""
        select count(distinct horizon_months), min(date_diff('month', first_origin, as_of_date)),
            max(date_diff('month', first_origin, as_of_date))
        from marts.return_rates
    """)
    assert counts == (3, 1, 23)


def test_stages_of_a_dense_panel_call_nobody_churned_whom_its_past_does_not_convict(complete_journey: Warehouse):
    """Households in rhythm return at 99 %, silent ones at 70 to 90: nothing that the panel knows tells them apart."""
    (now,) = complete_journey.rows("""
        select churned_overdue_ratio, decline_overdue_ratio, stage_state, in_rhythm_return_rate
        from marts.tier_thresholds where as_of_date = '2018-01-01'
    """)
    assert now[:3] == (None, None, "calibrated")
    assert now[3] > 0.98
    assert complete_journey.rows(
        "select count(*) from marts.customer_value where lifecycle_stage in ('churned', 'decline')"
    ) == [(0,)]
    assert complete_journey.rows("""
        select churned_customers, churn_rate, annual_churn_rate, expected_lifetime_years
        from marts.customer_growth where as_of_date = '2018-01-01'
    """) == [(0, None, None, None)]


def test_cdnow_keeps_the_thresholds_that_were_right_for_it(cdnow: Warehouse):
    assert cdnow.rows("""
        select churned_overdue_ratio, decline_overdue_ratio, stage_state
        from marts.tier_thresholds order by as_of_date desc limit 1
    """) == [(4.0, 2.0, "calibrated")]


def test_who_is_churned_no_more_for_a_moved_threshold_is_not_back(cdnow: Warehouse):
    """In March 1998 the threshold went from 3.5 to 4: of those below, 69 had not bought, and 534 had."""
    assert cdnow.rows("""
        select resurrected_customers, relabelled_customers, relabelled_churned_customers
        from marts.customer_growth where as_of_date = '1998-03-31'
    """) == [(534, 69, 0)]


def test_resurrected_have_bought_and_relabelled_have_not(data_set: Warehouse):
    """By customer: who is churned no more came back with a purchase, or the threshold of churned moved."""
    found = data_set.query("""
        with moved as (
            select
                history.as_of_date,
                last_order_date > growth.opening_date as has_bought,
                opening_lifecycle_stage = 'churned' and lifecycle_stage <> 'churned' as is_back,
                is_reactivated
            from marts.customer_value_history as history
            inner join marts.customer_growth as growth on history.as_of_date = growth.as_of_date
        )
        select
            as_of_date,
            count(*) filter (is_back and has_bought) as back,
            count(*) filter (is_back and not has_bought) as relabelled,
            count(*) filter (is_reactivated) as reactivated
        from moved group by as_of_date order by as_of_date
    """)
    growth = data_set.query("select * from marts.customer_growth order by as_of_date")
    assert growth["resurrected_customers"].tolist() == found["back"].tolist()
    assert growth["resurrected_customers"].tolist() == found["reactivated"].tolist()
    released = growth["relabelled_customers"] + growth["relabelled_churned_customers"]
    assert released.tolist() == found["relabelled"].tolist()


def test_fixed_gives_the_labels_of_two_numbers(clean_shop: Warehouse, warehouse: Warehouse):
    """Every customer on every date, on a database that holds the learned history, of which nothing may remain."""
    variables = {"stage_method": "fixed"}
    warehouse.database.write_bytes(clean_shop.database.read_bytes())
    warehouse.make("customer_growth", "tier_thresholds", variables=variables)
    history = oracle.History(oracle.raw_tables(warehouse), variables)
    oracle.compare_thresholds(warehouse, history)
    oracle.compare_history(warehouse, history)
    assert warehouse.rows("""
        select distinct churned_overdue_ratio, decline_overdue_ratio, decline_revenue_ratio, stage_state
        from marts.tier_thresholds
    """) == [(4.0, 2.0, 0.5, "fixed")]
    # the mean gap of all, the only threshold that still moves, grows in this shop: it makes no silence a churn
    relabelled = "select sum(abs(relabelled_customers) + relabelled_churned_customers) from marts.customer_growth"
    assert warehouse.rows(relabelled) == [(0,)]
    assert clean_shop.rows(relabelled)[0][0] > 0
