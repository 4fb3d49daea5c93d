"""customer_value_history against recomputations from outside: oracle.py, the package lifetimes, R's package rfm."""

from __future__ import annotations

import datetime as dt
import warnings
from importlib import metadata
from pathlib import Path

import oracle
import pandas as pd
import pytest
from conftest import Warehouse

# --- the oracle


@pytest.fixture(params=["shop", "credit_notes", "complete_journey", "cdnow", "clean_shop", "dirty_shop"])
def data_set(request: pytest.FixtureRequest) -> tuple[Warehouse, oracle.History]:
    """Return a warehouse and what its history must be.

    That of the dirty shop is the clean shop's: its bad rows are judged by others, and none may move a number.
    """
    good = "clean_shop" if request.param == "dirty_shop" else request.param
    return request.getfixturevalue(request.param), oracle.of_warehouse(request.getfixturevalue(good))


def test_every_column_of_every_customer_on_every_date_is_what_the_definitions_say(
    data_set: tuple[Warehouse, oracle.History],
):
    oracle.compare_history(*data_set)


def test_the_thresholds_are_the_worst_values_that_earned_a_score_or_a_tier(data_set: tuple[Warehouse, oracle.History]):
    oracle.compare_thresholds(*data_set)


def test_the_spine_is_every_month_end_and_the_last_day(
    shop: Warehouse, complete_journey: Warehouse, clean_shop: Warehouse
):
    """Counted by hand, since the other tests take the spine from the oracle."""
    dates = {
        name: [date.date() for (date,) in warehouse.query(
            "select distinct as_of_date from marts.customer_value_history order by as_of_date"
        ).itertuples(index=False, name=None)]
        for name, warehouse in {"shop": shop, "complete_journey": complete_journey, "clean_shop": clean_shop}.items()
    }  # fmt: skip
    assert (len(dates["shop"]), dates["shop"][0], dates["shop"][-1]) == (
        24,
        dt.date(2022, 1, 31),
        dt.date(2023, 12, 31),
    )
    assert dates["complete_journey"] == [
        *[dt.date(2017, month, 1) - dt.timedelta(days=1) for month in range(2, 13)],
        dt.date(2017, 12, 31),
        dt.date(2018, 1, 1),  # the day after, in the middle of no month-end: the last order
    ]
    assert len(dates["clean_shop"]) == 48
    assert dt.date(2024, 2, 29) in dates["clean_shop"]


def test_the_data_hold_what_the_comparison_is_to_find(cdnow: Warehouse, clean_shop: Warehouse):
    """Customers who come back, tiers held up by patience, customers not yet known, refunds after the last order."""
    for warehouse in (cdnow, clean_shop):
        (counts,) = warehouse.rows("""
            select
                count(*) filter (is_reactivated),
                count(*) filter (tier < raw_tier),
                count(*) filter (tier > opening_tier),
                count(*) filter (opening_lifecycle_stage is null),
                count(*) filter (last_activity_date > last_order_date)
            from marts.customer_value_history
        """)
        assert min(counts[:4]) > 50, counts
    assert counts[4] > 50  # CDNOW has no refunds


# --- the package lifetimes: frequency, recency and age as the literature on customer lifetimes defines them

CALIBRATION_END = dt.date(1997, 9, 30)  # of CDNOW, where the literature on it cuts
DATA = Path(metadata.distribution("lifetimes").locate_file("lifetimes/datasets"))


def summary(warehouse: Warehouse) -> pd.DataFrame:
    """Return CDNOW's slice of the calibration's end in the terms of lifetimes: days, indexed by customer."""
    return warehouse.query(f"""
        select
            customer_id,
            purchase_days - 1 as frequency,
            last_order_date - first_order_date as recency,
            as_of_date - first_order_date as "T",
            net_revenue / purchase_days as monetary_value
        from marts.customer_value_history
        where as_of_date = '{CALIBRATION_END}' and order_count > 0
        order by customer_id
    """).set_index("customer_id")


def test_cdnow_in_the_past_is_what_lifetimes_makes_of_its_transactions(cdnow: Warehouse):
    """Every customer; frequency counts days with a purchase after the first one, money is per day with a purchase."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is older than the pandas that it runs on
        from lifetimes.utils import summary_data_from_transaction_data

        master = pd.read_csv(DATA / "CDNOW_master.txt", sep=r"\s+", dtype=str)
        columns = {"customer_id_col": "customer_id", "datetime_col": "date", "datetime_format": "%Y%m%d"}
        columns |= {"observation_period_end": f"{CALIBRATION_END:%Y%m%d}"}
        expected = summary_data_from_transaction_data(master, **columns)
        spent = summary_data_from_transaction_data(
            master.astype({"dollar_value": float}),
            monetary_value_col="dollar_value",
            include_first_transaction=True,
            **columns,
        )
    published = summary(cdnow).astype(float)
    assert len(expected) == 23_570
    pd.testing.assert_frame_equal(
        published[["frequency", "recency", "T"]], expected, check_exact=True, check_names=False, check_index_type=False
    )
    pd.testing.assert_series_equal(
        published["monetary_value"], spent["monetary_value"], rtol=1e-9, check_names=False, check_index_type=False
    )


def test_cdnow_in_the_past_is_the_summary_that_the_literature_is_fitted_to(cdnow: Warehouse):
    """The summary of a tenth of the customers that comes with lifetimes, in weeks to two decimals, of another hand.

    The sample's file names each customer twice, by the number in the master file and by the one in the sample.
    """
    sample = pd.read_csv(DATA / "CDNOW_sample.txt", sep=r"\s+", header=None, dtype=str).drop_duplicates(1)
    expected = pd.read_csv(DATA / "cdnow_customers_summary.csv", index_col="ID")
    published = summary(cdnow).astype(float).loc[sample[0]].set_axis(sample[1].astype(int))
    assert len(expected) == 2_357
    assert list(published.index) == list(expected.index)
    assert (published["frequency"] == expected["frequency"]).all()
    assert ((published[["recency", "T"]] / 7 - expected[["recency", "T"]]).abs() <= 0.005 + 1e-9).all(axis=None)


# --- R's package rfm

# Published: the first ten of 995 customers in the README of github.com/rsquaredacademy/rfm (MIT licence), commit
# 0421b020, for the analysis date 2006-12-31: recency_days, transaction_count, amount, the three scores.
RFM_RESULT = {
    "Abbey O'Reilly DVM": (205, 6, 472, 3, 4, 3),
    "Add Senger": (140, 3, 340, 4, 1, 2),
    "Aden Lesch Sr.": (194, 4, 405, 3, 2, 3),
    "Admiral Senger": (132, 5, 448, 4, 3, 3),
    "Agness O'Keefe": (90, 9, 843, 5, 5, 5),
    "Aileen Barton": (84, 9, 763, 5, 5, 5),
    "Ailene Hermann": (281, 8, 699, 3, 5, 5),
    "Aiyanna Bruen PhD": (246, 4, 157, 3, 2, 1),
    "Ala Schmidt DDS": (349, 3, 363, 2, 1, 2),
    "Alannah Borer": (619, 4, 196, 1, 2, 1),
}
# Their orders, all that they have among the 4,906 of its data set rfm_data_orders: day and revenue.
RFM_ORDERS = {
    "Abbey O'Reilly DVM": "2005-07-16 47, 2005-09-04 152, 2005-11-03 41, 2005-12-24 145, 2006-01-06 67, 2006-06-09 20",
    "Add Senger": "2005-06-08 114, 2005-11-12 208, 2006-08-13 18",
    "Aden Lesch Sr.": "2004-08-16 100, 2004-11-14 109, 2005-04-17 149, 2006-06-20 47",
    "Admiral Senger": "2005-02-17 141, 2005-06-25 115, 2005-08-31 35, 2005-09-15 79, 2006-08-21 78",
    "Agness O'Keefe": "2004-04-01 111, 2004-08-17 101, 2005-04-21 46, 2005-06-06 44, 2005-06-07 43, 2005-08-24 167, "
    "2006-02-17 86, 2006-04-22 75, 2006-10-02 170",
    "Aileen Barton": "2004-01-04 25, 2004-03-07 147, 2004-06-11 190, 2004-06-15 87, 2004-07-17 46, 2004-07-25 34, "
    "2005-05-10 37, 2006-07-03 81, 2006-10-08 116",
    "Ailene Hermann": "2004-01-02 41, 2004-02-22 68, 2004-07-11 75, 2004-09-23 138, 2005-08-01 50, 2005-10-20 47, "
    "2005-12-15 122, 2006-03-25 158",
    "Aiyanna Bruen PhD": "2005-05-15 21, 2005-07-01 32, 2006-04-11 33, 2006-04-29 71",
    "Ala Schmidt DDS": "2005-09-14 148, 2005-11-28 66, 2006-01-16 149",
    "Alannah Borer": "2004-07-10 10, 2005-03-19 36, 2005-03-21 103, 2005-04-21 47",
}
# The thresholds that it found among the 995, README of a later version ($threshold): days below 115, 181, 297.4 and
# 482; at least 4, 5, 6 and 8 orders; at least 255.8, 382, 506.4 and 666 spent. Here as rows of the seed rfm_cutoffs,
# days and orders with fractions that ask for the same whole numbers.
RFM_CUTOFFS = {
    "recency_days": (481.9, 297.4, 180.9, 114.9),
    "frequency": (3.1, 4.1, 5.1, 7.1),
    "monetary": (255.8, 382, 506.4, 666),
}


def test_measures_and_scores_of_rs_package_rfm_are_found_again(warehouse: Warehouse):
    """Its measures and, by its thresholds, its scores, as of a date that is past when the history is built.

    It counts since the data begin, so the window is three years here. It finds its thresholds otherwise than midrank:
    its bins end at the 20 %, 40 %, 60 % and 80 % quantiles (R's type 7) plus 1, so that all of a tie falls into the
    lower bin; midrank gives a tie the score of its middle, and looks at ranks alone. No score of one need be the
    other's. Given its thresholds, though, method cutoffs must score as it does.
    """
    orders = [
        f"{customer}-{number},{customer},{order.split()[0]},{order.split()[1]}\n"
        for customer, text in RFM_ORDERS.items()
        for number, order in enumerate(text.split(", "), start=1)
    ]
    warehouse.load({"orders": "order_id,customer_id,ordered_at,gross_amount\n" + "".join(orders)})
    variables = {"as_of_date": "2007-06-15", "window_months": 36, "rfm_method": "cutoffs"}
    warehouse.run("seed")
    for measure, cutoffs in RFM_CUTOFFS.items():
        values = ", ".join(f"score_{score} = {cutoff}" for score, cutoff in enumerate(cutoffs, start=2))
        warehouse.execute(f"update reference.rfm_cutoffs set {values} where measure = '{measure}'")
    warehouse.run("run", "--select", "+customer_value_history", variables=variables)
    published = warehouse.rows("""
        select
            customer_id, recency_days, frequency, cast(monetary as double), recency_score, frequency_score,
            monetary_score
        from marts.customer_value_history
        where as_of_date = '2006-12-31'
    """)
    assert {customer: tuple(row) for customer, *row in published} == RFM_RESULT
